"""A training without the pipeline: from the bytes of a CSV to a model, nothing stored anywhere."""

from datetime import UTC, datetime

from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import distinct
from retrain.training.dataset.snapshot import UploadedRows, snapshot_of
from retrain.training.dataset.split import split
from retrain.training.errors import UploadRejectedError
from retrain.training.job.candidate import EnterStage, Say, TrainedModel, train_model
from retrain.training.settings import TrainingSettings
from retrain.training.upload.check import CheckedUpload, check_csv

_NO_SECRET = b"by hand"
"""Nobody has to be kept from the rows that judge a model which goes nowhere."""


def offline_settings() -> TrainingSettings:
    """Return the job's settings from the environment; bucket and registry do not matter."""
    return TrainingSettings.model_validate({"bucket": "none", "tracking_uri": "http://localhost"})


def train_file(
    content: bytes, source: str, settings: TrainingSettings, *, stage: EnterStage, say: Say
) -> tuple[TrainedModel, CheckedUpload]:
    """Check a CSV as the job does and make a model of it.

    Args:
        content: The file.
        source: Where its rows come from, for the card.
        settings: As of the job.
        stage: Entered for each stage.
        say: Told what is done now.

    Raises:
        UploadRejectedError: It is not fit for training.
        TooFewRowsError: It has too few rows.
        ParityError: The graph is not what was fitted.
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
    return train_model(snapshot, rows, settings, stage, say), checked
