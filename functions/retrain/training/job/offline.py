"""Offline training: a CSV in, a model out, without bucket or registry."""

from dataclasses import dataclass
from datetime import UTC, datetime

from housing.schema import GEOGRAPHY
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import distinct
from retrain.training.dataset.snapshot import UploadedRows, snapshot_of
from retrain.training.dataset.split import split
from retrain.training.errors import UploadRejectedError
from retrain.training.job.candidate import STEPS, EnterStage, Note, TrainedModel, train_model
from retrain.training.job.description import described
from retrain.training.model.workers import worker_processes
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.port import Description
from retrain.training.upload.check import CheckedUpload, check_csv

_NO_SECRET = b"by hand"
"""The held-out rows of a model that is not deployed need no secret."""
OFFLINE_STEPS = STEPS + 1
"""Number of progress messages of ``train_file``."""


@dataclass(frozen=True, slots=True)
class OfflineModel:
    """A model with its description."""

    trained: TrainedModel
    description: Description

    @property
    def metrics(self) -> dict[str, float]:
        """Return all metrics."""
        return {**self.trained.metrics, **self.description.metrics}


def offline_settings() -> TrainingSettings:
    """Return the job's settings from the environment, with placeholders for bucket and registry."""
    return TrainingSettings.model_validate({"bucket": "none", "tracking_uri": "http://localhost"})


def train_file(
    content: bytes, source: str, settings: TrainingSettings, *, stage: EnterStage, note: Note
) -> tuple[OfflineModel, CheckedUpload]:
    """Check a CSV as the job does and train a model on it.

    Args:
        content: The file.
        source: Source of the rows, for the model card.
        settings: Settings of the job.
        stage: Context manager that is entered for each stage.
        note: Called with a progress message.

    Raises:
        UploadRejectedError: The file is not fit for training.
        TooFewRowsError: The file has too few rows.
        ParityError: The graph does not match the fitted model.
    """
    checked = check_csv(content)
    too_bad = checked.too_bad(settings.max_bad_rows_share)
    if too_bad:
        raise UploadRejectedError(too_bad)
    key = HoldoutKey(_NO_SECRET, settings.holdout_share)
    moment = datetime.now(UTC)
    upload = UploadedRows("by hand", "by hand", distinct(checked.rows)[0], source, moment)
    snapshot, _ = snapshot_of([upload], key)
    rows = split(snapshot, min_rows=settings.min_rows)
    with worker_processes(settings.training_processes, settings.engine) as workers:
        made = train_model(snapshot, rows, settings, stage, note, workers)
        note("evaluating on left-out regions, and drawing figures" if GEOGRAPHY else "drawing")
        return OfflineModel(made, described(made, snapshot, rows, settings, workers)), checked
