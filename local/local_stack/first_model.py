"""Train the first model as a user does: upload a CSV, follow its job, get a price."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from housing.answer_text import AnswerText, text_of
from housing.errors import AliasNotFoundError
from housing.jobs.status import JobStatus, JobStore, State
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION, ModelVersion
from housing.schema import FEATURES
from housing.tree_library import Trees
from housing_cli.data.sources import first_data
from housing_cli.errors import CliError
from housing_cli.jobs.follow import follow_job
from housing_cli.jobs.upload import upload_file
from local_stack.deploy.deployment import Deployment, client
from local_stack.errors import FirstModelError
from local_stack.settings import StackSettings

_JOB_SECONDS = 900.0
_SERVED_SECONDS = 60.0
_POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction of the deployed API."""

    text: AnswerText
    model_version: str
    data_source: str
    trees: Trees


def production_version(settings: StackSettings) -> ModelVersion | None:
    """Return the live version; None if there is none."""
    registry = MlflowModelRegistry(settings.mlflow_url, settings.model_name)
    try:
        return registry.version_by_alias(PRODUCTION)
    except AliasNotFoundError:
        return None


def train_first(
    settings: StackSettings, deployment: Deployment, say: Callable[[str], None]
) -> JobStatus:
    """Upload the first data and follow its job to the end.

    Raises:
        FirstModelError: There is no data, or the job failed.
    """
    say("getting data")
    try:
        data = first_data(settings.data, settings.state_dir / "data", rows=settings.sample_rows)
        say(f"uploading {data.path.name} ({data.source})")
        s3 = client(settings, "s3")
        upload = upload_file(s3, deployment.bucket, data.path, source=data.source)
        jobs = JobStore(s3, deployment.bucket)
        status = _followed(jobs, upload.job_id, say)
    except CliError as exc:
        raise FirstModelError(str(exc)) from exc
    if status.state != State.SUCCEEDED:
        msg = f"the first training job {status.state}: {status.reason}. {status.next_step or ''}"
        raise FirstModelError(msg)
    return status


def _followed(jobs: JobStore, job_id: str, say: Callable[[str], None]) -> JobStatus:
    for update in follow_job(jobs, job_id, timeout_seconds=_JOB_SECONDS):
        if update.job is None:
            say(update.note)
            continue
        status = update.job
        say(f"{status.stage} {update.note or status.message}")
    return status


def predict(settings: StackSettings, deployment: Deployment, *, version: str | None) -> Prediction:
    """Get a prediction from the deployed API, of the wanted version.

    Args:
        settings: Settings of the stack.
        deployment: The outputs of the stack.
        version: The version to wait for; None is any.

    Raises:
        FirstModelError: It does not answer within a minute.
    """
    row = {column.name: column.shown_example for column in FEATURES}
    deadline = time.monotonic() + _SERVED_SECONDS
    headers = {"x-api-key": deployment.predict_key}
    last = "no answer"
    with httpx.Client(base_url=settings.api_url, headers=headers, timeout=35) as api:
        while time.monotonic() < deadline:
            answer = api.post("/predict", json=row)
            last = f"{answer.status_code} {answer.text[:300]}"
            if answer.is_success and version in (None, answer.json()["model_version"]):
                return _prediction(answer.json(), api.get("/health").json())
            time.sleep(_POLL_SECONDS)
    msg = f"the API does not answer with version {version}; its last answer: {last}. See: make logs"
    raise FirstModelError(msg)


def _prediction(answer: dict[str, object], health: dict[str, object]) -> Prediction:
    model = health["model"]
    if not isinstance(model, dict):
        msg = "the API's health names no model; see make logs"
        raise FirstModelError(msg)
    return Prediction(
        text=text_of(answer),
        model_version=str(answer["model_version"]),
        data_source=str(model.get("data_source")),
        trees=Trees(str(model.get("trees"))),
    )
