"""What can end a training job.

HousingError
└── TrainingError
    ├── UploadRejectedError
    ├── UploadGoneError
    ├── UploadExcludedError
    ├── ChampionChangedError
    ├── DatasetError
    ├── EngineError
    ├── TooFewRowsError
    ├── ModelLoadError
    ├── ExportError
    ├── ParityError
    ├── TreeParityError
    └── TrackingError
BaseException
└── JobStoppedError
    └── JobOverTimeError
"""

from typing import ClassVar

from housing.errors import HousingError


class TrainingError(HousingError):
    """Raised when a training job cannot go on; says what to do about it."""

    next_step: ClassVar[str] = "see the job's log, put it right and upload the file again"


class UploadRejectedError(TrainingError):
    """Raised when an upload is not fit for training as a whole."""

    next_step: ClassVar[str] = "correct the file as its report says and upload it again"

    def __init__(self, reason: str, *, report_key: str | None = None) -> None:
        """Say why, and where the report lies once it is written."""
        super().__init__(reason)
        self.report_key = report_key


class UploadGoneError(TrainingError):
    """Raised when the upload was deleted or overwritten before it was read."""

    next_step: ClassVar[str] = "upload the file again, if its rows are still wanted"


class UploadExcludedError(TrainingError):
    """Raised when a person has excluded the rows of an upload from the data set."""

    def __init__(self, reason: str, *, command: str) -> None:
        """Say why, and which command takes them in again."""
        super().__init__(reason)
        self.command = command


class ChampionChangedError(TrainingError):
    """Raised when another version came into production while this one was judged against it."""

    next_step: ClassVar[str] = "see who changes production (housing models), then upload again"


class DatasetError(TrainingError):
    """Raised when a stored part of the data set cannot be read."""

    next_step: ClassVar[str] = "restore or remove that object under dataset/, then upload again"


class EngineError(TrainingError):
    """Raised when the library that shall grow the trees cannot be loaded."""

    next_step: ClassVar[str] = (
        "install what it lacks (Debian: libgomp1), or set HOUSING_ENGINE=scikit-learn"
    )


class TooFewRowsError(TrainingError):
    """Raised when the data set is too small to train, calibrate and test on."""

    next_step: ClassVar[str] = "upload more rows: they are added to those that are there"


class ModelLoadError(TrainingError):
    """Raised when ONNX Runtime cannot load a graph, or the graph is not the service's."""


class ExportError(TrainingError):
    """Raised when a fitted model predicts in a way that the graph has no node for."""

    next_step: ClassVar[str] = "take the engine's option back; nothing was registered"

    def __init__(self, kind: str) -> None:
        """Name what was met."""
        super().__init__(f"the graph cannot hold {kind}")


class ParityError(TrainingError):
    """Raised when the exported graph does not predict what the fitted pipeline predicts."""

    next_step: ClassVar[str] = "look at the graph's converters; nothing was registered"


class TreeParityError(TrainingError):
    """Raised when the library of trees answers a graph otherwise than ONNX Runtime does."""

    next_step: ClassVar[str] = (
        "remove housing/native/trees-*.so from the job's image and from the layer; "
        "nothing was registered"
    )

    def __init__(self, different: int, rows: int) -> None:
        """Say on how many of the rows."""
        super().__init__(
            f"the library of trees and ONNX Runtime differ on {different:,} of {rows:,} rows"
        )


class TrackingError(TrainingError):
    """Raised when MLflow does not take the run, the model or the version."""

    next_step: ClassVar[str] = "check that the MLflow server is up, then upload the file again"


class JobStoppedError(BaseException):
    """Raised when the process is told to end; no ``except Exception`` must swallow it."""


class JobOverTimeError(JobStoppedError):
    """Raised when the process is told to end because it has had all of its time."""

    next_step: ClassVar[str] = (
        "give jobs more time (TrainingTimeoutSeconds; on a laptop "
        "HOUSING_TRAINING_TIMEOUT_SECONDS), then upload the file again"
    )

    def __init__(self, seconds: float) -> None:
        """Say how long the job might have taken."""
        super().__init__(f"the job took longer than {seconds:,.0f} s, its limit, and was ended")
