"""A training without the pipeline: from the bytes of a CSV to a model, nothing stored anywhere."""

from retrain.training.dataset.dataset import Part, snapshot_of
from retrain.training.dataset.split import split
from retrain.training.errors import UploadRejectedError
from retrain.training.job.candidate import EnterStage, Made, Say, make
from retrain.training.settings import TrainingSettings
from retrain.training.upload.check import CheckedUpload, check_csv


def settings_by_hand() -> TrainingSettings:
    """Return the job's settings from the environment; bucket and registry do not matter."""
    return TrainingSettings.model_validate({"bucket": "none", "tracking_uri": "http://localhost"})


def train_file(
    content: bytes, source: str, settings: TrainingSettings, *, stage: EnterStage, say: Say
) -> tuple[Made, CheckedUpload]:
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
    snapshot = snapshot_of([Part("by hand", checked.rows, source, "by hand")])
    rows = split(snapshot, holdout_share=settings.holdout_share, min_rows=settings.min_rows)
    return make(snapshot, rows, settings, stage, say), checked
