"""A rollback at any stage of a job: the job promotes nothing."""

import hashlib
import re
from collections.abc import Callable

import pytest

from fakes.alerts import FakeAlerts
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from fakes.tables import as_csv, housing_table
from housing.errors import AliasNotFoundError
from housing.jobs.status import Stage, State
from housing.registry.live_model import Reason
from housing.registry.port import CHALLENGER, MODEL_FILE, PRODUCTION, Tag
from predict.admin.model_changes import ModelChanges
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.settings import TrainingSettings
from retrain.training.upload.ingest import Upload

PutUpload = Callable[..., Upload]
AtStage = Callable[[Stage, Callable[[], object]], None]
ROWS = as_csv(housing_table(300, seed=1))
MODEL = "california-housing"
STAGES = [stage for stage in Stage if stage != Stage.LAUNCH]  # in which there is no job yet


class DiedError(BaseException):
    """Stands for the process's end: no handler of the job's takes it."""


@pytest.fixture
def settings(settings: TrainingSettings) -> TrainingSettings:
    """Let every version pass the gate, so that a rollback alone keeps it out."""
    return settings.model_copy(
        update={"promotion_margin": 9.0, "slice_limit": 9.0, "iterations": 5, "neighbour_folds": 2}
    )


@pytest.fixture
def changes(context: JobContext, alerts: FakeAlerts) -> ModelChanges:
    return ModelChanges(context.live, MODEL, alerts, lambda: None)


@pytest.fixture
def second(context: JobContext, registry: FakeModelRegistry) -> None:
    """Put two versions into production, one after the other: the second to be rolled back from."""
    for bias in (1.0, 2.0):
        model = linear_model(bias=bias)
        tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
        version = registry.register({MODEL_FILE: model}, tags=tags)
        context.live.put(version, model, Reason("job", "better", {}), version.tags)


@pytest.fixture
def upload(put_upload: PutUpload) -> Upload:
    return put_upload(ROWS)


@pytest.mark.usefixtures("second")
def test_without_a_rollback_the_job_promotes(
    context: JobContext, upload: Upload, registry: FakeModelRegistry
) -> None:
    run(upload, context)

    assert registry.version_by_alias(PRODUCTION).version == "3"


@pytest.mark.parametrize("is_resumed", [False, True], ids=["stopped", "resumed"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.usefixtures("second")
def test_a_job_promotes_nothing_after_a_rollback_at_any_stage(  # noqa: PLR0913, PLR0917 - fixtures
    context: JobContext,
    alerts: FakeAlerts,
    registry: FakeModelRegistry,
    changes: ModelChanges,
    at_stage: AtStage,
    upload: Upload,
    *,
    stage: Stage,
    is_resumed: bool,
) -> None:
    def roll_back() -> None:
        changes.rollback(None, why="odd prices", who="anna")
        if is_resumed:
            changes.resume(why="it was right", who="ben")

    at_stage(stage, roll_back)

    assert run(upload, context) == State.HELD

    assert registry.version_by_alias(PRODUCTION).version == "1"
    with pytest.raises(AliasNotFoundError):
        registry.version_by_alias(CHALLENGER)
    status = context.jobs.load(upload.job_id)
    assert (status.model_version, status.promoted) == ("3", False)
    assert status.held is not None
    assert status.verdict is not None
    assert (status.held.kind, status.verdict.held) == ("stop", True)
    stopped = r"automatic promotion is stopped since 20.* UTC by anna: housing resume"
    reason = "there was a rollback while the job ran" if is_resumed else stopped
    assert re.fullmatch(reason, status.verdict.reason)
    assert registry.version("3").tags[Tag.VERDICT] == "held"
    assert "Held: " in registry.version("3").description
    assert alerts.sent[-1].event == "model_held"
    assert re.fullmatch(reason, alerts.sent[-1].reason)


@pytest.mark.usefixtures("second")
def test_a_job_that_began_while_jobs_were_stopped_promotes_once_they_are_not(
    context: JobContext,
    registry: FakeModelRegistry,
    changes: ModelChanges,
    at_stage: AtStage,
    upload: Upload,
) -> None:
    changes.rollback(None, why="odd prices", who="anna")
    at_stage(Stage.FIT, lambda: changes.resume(why="it was right", who="ben"))

    assert run(upload, context) == State.SUCCEEDED

    assert registry.version_by_alias(PRODUCTION).version == "3"


@pytest.mark.usefixtures("second")
def test_a_job_that_died_and_is_started_again_after_a_rollback_promotes_nothing(
    context: JobContext,
    registry: FakeModelRegistry,
    changes: ModelChanges,
    at_stage: AtStage,
    upload: Upload,
) -> None:
    at_stage(Stage.FIT, _die)
    with pytest.raises(DiedError):
        run(upload, context)
    changes.rollback(None, why="odd prices", who="anna")
    changes.resume(why="it was right", who="ben")

    assert run(upload, context) == State.HELD

    assert registry.version_by_alias(PRODUCTION).version == "1"


@pytest.mark.usefixtures("second")
def test_a_version_that_a_stop_held_is_judged_again_by_the_next_job_after_it(  # noqa: PLR0913, PLR0917 - fixtures
    context: JobContext,
    put_upload: PutUpload,
    registry: FakeModelRegistry,
    changes: ModelChanges,
    tracker: FakeRunTracker,
    upload: Upload,
) -> None:
    changes.rollback(None, why="odd prices", who="anna")
    assert run(upload, context) == State.HELD
    trained = len(tracker.candidates)
    changes.resume(why="it was right", who="ben")

    assert run(put_upload(ROWS, name="again.csv"), context) == State.SUCCEEDED

    assert len(tracker.candidates) == trained
    assert registry.version_by_alias(PRODUCTION).version == "3"
    tags = registry.version("3").tags
    assert tags[Tag.VERDICT] == "promoted"
    assert "Held" not in registry.version("3").description


@pytest.mark.usefixtures("second")
def test_a_version_that_is_live_already_is_not_held(
    context: JobContext,
    registry: FakeModelRegistry,
    changes: ModelChanges,
    at_stage: AtStage,
    upload: Upload,
) -> None:
    def promote_and_stop() -> None:
        changes.promote("3", why="we know better", who="anna")
        changes.rollback("3", why="no other one", who="anna")

    at_stage(Stage.GATE, promote_and_stop)

    assert run(upload, context) == State.SUCCEEDED

    assert registry.version_by_alias(PRODUCTION).version == "3"
    assert registry.version("3").tags[Tag.VERDICT] == "promoted"


def _die() -> None:
    raise DiedError
