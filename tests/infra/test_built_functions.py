"""The built functions answer their sample events, under AWS's emulator and Lambda's own Python.

Around them all is real or speaks the real protocol: an MLflow server, moto's server for AWS, and a
webhook on loopback.
"""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from fakes.dataset import JOB_OF_THE_EVENTS, put_upload
from fakes.http_server import http_server
from fakes.jobs import job_status
from fakes.onnx_models import linear_model
from fakes.slack import ScriptedSlack
from fakes.tree_libraries import model_with_trees
from housing.jobs.status import JobStore, State
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from servers.emulated_function import LAMBDA_PYTHON, EmulatedFunction, emulated
from servers.mlflow_server import tracking_server

EVENTS = CHECKOUT / "events"
RESOURCES = load(CHECKOUT / "infra/template.yaml")["Resources"]
MODEL, BUCKET, QUEUE = "california-housing", "housing-dev", "training"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not LAMBDA_PYTHON.exists(),
        reason="Lambda's own Python 3.13 is not here: make .venvs/lambda/.ready where it is",
    ),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="the build that is run here is that for x86_64"
    ),
]


def sample(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return event


def named(prefix: str) -> list[Path]:
    return sorted(EVENTS.glob(f"{prefix}-*.json"))


@dataclass(frozen=True)
class Account:
    """AWS, as moto's server plays it."""

    url: str

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    fake_account = Account(f"http://{host}:{port}")
    try:
        urllib3.request("POST", f"{fake_account.url}/moto-api/reset")
        urllib3.request(
            "POST", f"{fake_account.url}/moto-api/config", json={"batch": {"use_docker": False}}
        )
        fake_account.client("s3").create_bucket(Bucket=BUCKET)
        yield fake_account
    finally:
        server.stop()


Run = Callable[..., EmulatedFunction]


@pytest.fixture(scope="module")
def run(
    built_for: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, account: Account
) -> Iterator[Run]:
    """Run a function of the template as it was built, with its layers."""
    built = built_for("x86_64")
    with ExitStack() as running:

        def started(function: str, **variables: str) -> EmulatedFunction:
            properties = RESOURCES[function]["Properties"]
            layers = [built / layer["Ref"] / "python" for layer in properties["Layers"]]
            return running.enter_context(
                emulated(
                    properties["Handler"],
                    task=built / function,
                    layers=layers,
                    scratch=tmp_path_factory.mktemp(function),
                    variables={**CREDENTIALS, "AWS_ENDPOINT_URL": account.url, **variables},
                )
            )

        yield started


@pytest.fixture(scope="module")
def predict(
    run: Run, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedFunction]:
    """Two versions in a real registry, and the function that serves the second."""
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as registry:
        for bias in (1.0, 2.0):
            registry.promote(linear_model(bias=bias), name=MODEL)
        for job in (JOB_OF_THE_EVENTS, "aaaa000011112222"):
            put_upload(account.client("s3"), BUCKET, job)
        JobStore(account.client("s3"), BUCKET).create(job_status(JOB_OF_THE_EVENTS))
        yield run(
            "PredictFunction",
            MLFLOW_TRACKING_URI=registry.uri,
            HOUSING_BUCKET=BUCKET,
            HOUSING_AUTH="off",
            HOUSING_MODEL_TTL_SECONDS="0",
        )


@pytest.mark.parametrize("path", named("api"), ids=lambda path: path.stem)
def test_predict_answers_every_request_as_its_name_says(
    predict: EmulatedFunction, path: Path
) -> None:
    answer = predict.invoke(sample(path))

    hundred = {".ok": 2, ".bad": 4}[Path(path.stem).suffix]
    assert answer.get("statusCode", 0) // 100 == hundred, (answer, predict.said()[-3_000:])


def test_predict_answers_with_the_library_of_trees(
    run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not (CHECKOUT / ".venvs/native/.ready").exists():
        pytest.skip("zig is not here: make .venvs/native/.ready")
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as registry:
        registry.promote(model_with_trees(), name=MODEL)
        function = run("PredictFunction", MLFLOW_TRACKING_URI=registry.uri, HOUSING_AUTH="off")

        health = json.loads(function.invoke(sample(EVENTS / "api-health.ok.json"))["body"])
        priced = function.invoke(sample(EVENTS / "api-predict.ok.json"))

    assert health["model"]["trees"] == "library", function.said()[-3_000:]
    assert priced["statusCode"] == 200


def test_predict_serves_what_the_registry_calls_production(predict: EmulatedFunction) -> None:
    predict.invoke(sample(EVENTS / "api-models-promote.ok.json"))

    answer = predict.invoke(sample(EVENTS / "api-predict.ok.json"))

    assert json.loads(answer["body"])["model_version"] == "1"


@pytest.fixture(scope="module")
def retrain(run: Run, account: Account) -> EmulatedFunction:
    iam, batch = account.client("iam"), account.client("batch")
    role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    made = batch.create_compute_environment(
        computeEnvironmentName="jobs", type="UNMANAGED", serviceRole=role
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    batch.create_job_queue(
        jobQueueName=QUEUE, state="ENABLED", priority=1, computeEnvironmentOrder=order
    )
    batch.register_job_definition(
        jobDefinitionName=QUEUE,
        type="container",
        containerProperties={"image": "training", "vcpus": 2, "memory": 4096},
    )
    return run(
        "RetrainFunction",
        HOUSING_BUCKET=BUCKET,
        HOUSING_BATCH_JOB_QUEUE=QUEUE,
        HOUSING_BATCH_JOB_DEFINITION=QUEUE,
    )


@pytest.mark.parametrize("path", named("s3"), ids=lambda path: path.stem)
def test_retrain_does_with_every_event_of_s3_as_its_name_says(
    retrain: EmulatedFunction, path: Path
) -> None:
    answer = retrain.invoke(sample(path))

    if Path(path.stem).suffix == ".bad":
        assert answer.get("errorType") == "EventError", answer
    else:
        assert set(answer) == {"started", "repeated"}, (answer, retrain.said()[-3_000:])


def test_retrain_submits_the_job_to_batch_and_writes_its_status(
    retrain: EmulatedFunction, account: Account
) -> None:
    answer = retrain.invoke(sample(EVENTS / "s3-upload.ok.json"))

    job_id = str((answer["started"] + answer["repeated"])[0])
    statuses = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED")
    submitted = [
        job["jobName"]
        for status in statuses
        for job in account.client("batch").list_jobs(jobQueue=QUEUE, jobStatus=status)[
            "jobSummaryList"
        ]
    ]
    assert submitted.count(f"retrain-{job_id}") == 1
    assert JobStore(account.client("s3"), BUCKET).load(job_id).state == State.QUEUED


def test_retrain_takes_the_schedules_event(retrain: EmulatedFunction) -> None:
    answer = retrain.invoke(sample(EVENTS / "scheduled-sweep.ok.json"))

    assert set(answer) == {"started", "recovered", "given_up", "refused"}, answer


@pytest.fixture(scope="module")
def slack() -> ScriptedSlack:
    return ScriptedSlack()


@pytest.fixture(scope="module")
def notify(run: Run, account: Account, slack: ScriptedSlack) -> Iterator[EmulatedFunction]:
    with http_server(slack.answer) as url:
        account.client("secretsmanager").create_secret(
            Name="slack", SecretString=f"{url}/services/T0/B0/key"
        )
        yield run("NotifyFunction", HOUSING_SLACK_SECRET="slack", HOUSING_SLACK_ORIGIN=url)


@pytest.mark.parametrize("path", named("sns"), ids=lambda path: path.stem)
def test_notify_posts_every_message_that_is_one(
    notify: EmulatedFunction, slack: ScriptedSlack, path: Path
) -> None:
    before = len(slack.received)

    answer = notify.invoke(sample(path))

    if Path(path.stem).suffix == ".bad":
        assert answer.get("errorType") == "EventError", answer
        assert len(slack.received) == before
    else:
        assert answer == {"posted": 1, "undeliverable": 0}, notify.said()[-3_000:]
        assert len(slack.received) == before + 1
