"""Excluded and held rows: which jobs train on them, and their effect on versions."""

import hashlib
from collections.abc import Callable

import pytest

from fakes.alerts import FakeAlerts
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.jobs.status import JobStatus, Stage, State
from housing.registry.live_model import Reason
from housing.registry.port import MODEL_FILE, PRODUCTION, Tag
from predict.admin.model_changes import ModelChanges
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.job.pipeline import promoter_of
from retrain.training.job.progress import JobProgress
from retrain.training.settings import TrainingSettings
from retrain.training.upload.ingest import Upload

AtStage = Callable[[Stage, Callable[[], object]], None]
Ran = Callable[..., JobStatus]
FIRST, SECOND = (as_csv(housing_table(rows, seed=rows)) for rows in (300, 220))


@pytest.fixture
def settings(settings: TrainingSettings) -> TrainingSettings:
    """Let every version pass the gate, in little time."""
    return settings.model_copy(
        update={"promotion_margin": 9.0, "slice_limit": 9.0, "iterations": 5, "neighbour_folds": 2}
    )


@pytest.fixture(autouse=True)
def champion(context: JobContext, registry: FakeModelRegistry) -> None:
    """Put a version into production that every other one beats."""
    model = linear_model()
    tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
    version = registry.register({MODEL_FILE: model}, tags=tags)
    context.live.put(version, model, Reason("job", "the first", {}), version.tags)


@pytest.fixture
def ran(context: JobContext, put_upload: Callable[..., Upload]) -> Ran:
    """Run the job of a file, and return its status."""

    def run_job(content: bytes, name: str = "more.csv") -> JobStatus:
        upload = put_upload(content, name=name)
        run(upload, context)
        return context.jobs.load(upload.job_id)

    return run_job


@pytest.fixture
def exclude(context: JobContext) -> Callable[[JobStatus], None]:
    def exclude_rows(job: JobStatus) -> None:
        assert job.part is not None
        context.live.exclusions.exclude(
            job.part, "excluded", job_id=job.job_id, who="anna", why="wrong unit"
        )

    return exclude_rows


def running(context: JobContext) -> JobStatus:
    """Return the job that is at work."""
    return next(job for job in context.jobs.newest() if job.state == State.RUNNING)


def hold(context: JobContext, job: JobStatus) -> None:
    """Hold a job's rows as the job itself would."""
    assert job.part is not None
    promoter = promoter_of(context, JobProgress(context.jobs, job.model_copy(deep=True)))
    promoter.hold(job.part, job_id=job.job_id, why="prices contradict production")


def production(registry: FakeModelRegistry) -> str:
    return registry.version_by_alias(PRODUCTION).version


def test_an_excluded_part_leaves_the_next_snapshot_and_comes_back(
    context: JobContext, ran: Ran, exclude: Callable[[JobStatus], None]
) -> None:
    first = ran(FIRST)

    exclude(first)
    without = ran(SECOND)
    context.live.exclusions.include(str(first.part), who="anna", why="it was right")
    with_it = ran(as_csv(housing_table(10, seed=10)))

    assert [job.dataset_rows for job in (first, without, with_it)] == [300, 220, 530]
    assert with_it.state == State.SUCCEEDED


def test_a_file_with_excluded_rows_is_rejected_with_the_include_command(
    ran: Ran,
    exclude: Callable[[JobStatus], None],
    alerts: FakeAlerts,
    tracker: FakeRunTracker,
) -> None:
    first = ran(FIRST)
    exclude(first)

    again = ran(FIRST, "again.csv")

    assert (again.state, again.excluded, again.model_version) == (State.REJECTED, True, None)
    command = f"housing data include {first.job_id}"
    assert again.reason is not None
    assert again.reason.startswith("its rows are excluded since 20")
    assert again.reason.endswith(f"UTC by anna (wrong unit): {command}")
    assert again.next_step == f'{command} --reason "…"'
    assert (alerts.sent[-1].event, alerts.sent[-1].next_step) == (
        "upload_rejected",
        again.next_step,
    )
    assert len(tracker.candidates) == 1


@pytest.mark.parametrize("stage", [Stage.FIT, Stage.PROMOTE])
@pytest.mark.parametrize("is_own", [True, False])
def test_rows_that_are_excluded_while_a_job_trains_on_them_hold_its_version(  # noqa: PLR0913, PLR0917 - fixtures
    context: JobContext,
    ran: Ran,
    exclude: Callable[[JobStatus], None],
    at_stage: AtStage,
    registry: FakeModelRegistry,
    stage: Stage,
    is_own: bool,  # noqa: FBT001 - a case
) -> None:
    first = ran(FIRST)

    def exclude_some() -> None:
        exclude(running(context) if is_own else first)

    at_stage(stage, exclude_some)

    second = ran(SECOND, "second.csv")

    assert (second.state, second.promoted) == (State.HELD, False)
    assert second.held is not None
    assert second.held.kind == "excluded"
    excluded = second if is_own else first
    assert second.held.reason.startswith(f"rows of job {excluded.job_id} that it was trained on")
    assert production(registry) == first.model_version


def test_rows_of_a_job_that_waits_are_excluded_before_it_trains(
    context: JobContext, ran: Ran, at_stage: AtStage, exclude: Callable[[JobStatus], None]
) -> None:
    at_stage(Stage.WAIT, lambda: exclude(running(context)))

    assert ran(FIRST).state == State.REJECTED


def test_held_rows_are_trained_on_by_their_own_job_alone(
    context: JobContext, ran: Ran, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    first = ran(FIRST)
    held = ran(SECOND, "second.csv")
    hold(context, held)

    other = ran(as_csv(housing_table(10, seed=10)), "third.csv")
    again = ran(SECOND, "again.csv")

    assert (first.dataset_rows, other.dataset_rows) == (300, 310)
    assert (again.dataset_rows, again.state) == (530, State.HELD)
    assert again.held is not None
    assert (again.held.kind, again.held.reason) == ("data", "prices contradict production")
    assert again.held.jobs == [held.job_id]
    tags = registry.version(str(again.model_version)).tags
    assert (tags[Tag.VERDICT], tags[Tag.HELD_PARTS]) == ("held", held.part)
    assert alerts.sent[-1].event == "model_held"
    assert production(registry) == other.model_version


@pytest.mark.parametrize("way", ["promote", "include"])
def test_held_rows_are_released_by_a_person(  # noqa: PLR0913, PLR0917 - fixtures
    context: JobContext,
    ran: Ran,
    at_stage: AtStage,
    registry: FakeModelRegistry,
    alerts: FakeAlerts,
    way: str,
) -> None:
    first = ran(FIRST)
    at_stage(Stage.WAIT, lambda: hold(context, running(context)))
    held = ran(SECOND, "second.csv")
    assert (held.state, production(registry)) == (State.HELD, first.model_version)

    if way == "promote":
        changes = ModelChanges(context.live, "california-housing", alerts, lambda: None)
        changes.promote(str(held.model_version), why="prices fell", who="anna")
    else:
        context.live.exclusions.include(str(held.part), who="anna", why="prices fell")
        assert ran(SECOND, "again.csv").state == State.SUCCEEDED

    assert context.live.exclusions.load() == {}
    assert production(registry) == held.model_version
    tags = registry.version(str(held.model_version)).tags
    assert (tags[Tag.VERDICT], tags[Tag.HELD_PARTS]) == ("promoted", "")
