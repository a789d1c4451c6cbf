"""Errors that end a training job.

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
    ├── WorkerDiedError
    ├── OutputError
    └── TrackingError
BaseException
└── JobStoppedError
    └── JobOverTimeError
"""

from typing import ClassVar

from housing.errors import HousingError


class TrainingError(HousingError):
    """Base class of the job's errors, each with the next step for the user."""

    next_step: ClassVar[str] = "see the job's log, correct the cause and upload the file again"


class UploadRejectedError(TrainingError):
    """Raised when an upload is not fit for training as a whole."""

    next_step: ClassVar[str] = "correct the file according to its report and upload it again"

    def __init__(self, reason: str, *, report_key: str | None = None) -> None:
        """Keep the reason and the key of the written report."""
        super().__init__(reason)
        self.report_key = report_key


class UploadGoneError(TrainingError):
    """Raised when the upload was deleted or overwritten before it was read."""

    next_step: ClassVar[str] = "upload the file again, if its rows are still wanted"


class UploadExcludedError(TrainingError):
    """Raised when a person has excluded the rows of an upload from the data set."""

    def __init__(self, reason: str, *, command: str) -> None:
        """Keep the reason and the command that includes the rows again."""
        super().__init__(reason)
        self.command = command


class ChampionChangedError(TrainingError):
    """Raised when production changed while a version was compared with it."""

    next_step: ClassVar[str] = "see who changes production (housing models), then upload again"


class DatasetError(TrainingError):
    """Raised when a stored part of the data set cannot be read."""

    next_step: ClassVar[str] = "restore or remove that object under dataset/, then upload again"


class EngineError(TrainingError):
    """Raised when the gradient-boosting library cannot be loaded."""

    next_step: ClassVar[str] = (
        "install what it lacks (Debian: libgomp1), or set HOUSING_ENGINE=scikit-learn"
    )


class TooFewRowsError(TrainingError):
    """Raised when the data set is too small to train, calibrate and test on."""

    next_step: ClassVar[str] = "upload more rows: they are added to the data set"


class ModelLoadError(TrainingError):
    """Raised when ONNX Runtime cannot load a graph, or the graph is not the service's."""


class ExportError(TrainingError):
    """Raised when a fitted model uses an operation that the graph cannot express."""

    next_step: ClassVar[str] = "revert the engine's option; nothing was registered"

    def __init__(self, kind: str) -> None:
        """Name the unsupported kind of model."""
        super().__init__(f"the graph cannot hold {kind}")


class ParityError(TrainingError):
    """Raised when the exported graph and the fitted pipeline predict differently."""

    next_step: ClassVar[str] = "check the graph's export code; nothing was registered"


class TreeParityError(TrainingError):
    """Raised when the tree library and ONNX Runtime differ on a graph."""

    next_step: ClassVar[str] = (
        "remove housing/native/trees-*.so from the job's image and from the layer; "
        "nothing was registered"
    )

    def __init__(self, different: int, rows: int) -> None:
        """Keep the number of rows that differ."""
        super().__init__(
            f"the tree library and ONNX Runtime differ on {different:,} of {rows:,} rows"
        )


class WorkerDiedError(TrainingError):
    """Raised when a process that fits a part of the model ends without a result."""

    next_step: ClassVar[str] = (
        "give the job more memory (TrainingMemoryMb), or set HOUSING_TRAINING_PROCESSES=1, "
        "then upload the file again"
    )

    def __init__(self, how: str) -> None:
        """Keep how the process ended."""
        super().__init__(f"a process that fitted a part of the model ended by {how}")


class OutputError(TrainingError):
    """Raised when the predictions of a file cannot be written."""

    next_step: ClassVar[str] = "choose another file, or make room on the disk"


class TrackingError(TrainingError):
    """Raised when MLflow rejects the run, the model or the version."""

    next_step: ClassVar[str] = "check that the MLflow server is up, then upload the file again"


class JobStoppedError(BaseException):
    """Raised when the process receives SIGTERM; no ``except Exception`` may swallow it."""


class JobOverTimeError(JobStoppedError):
    """Raised when the process is stopped at its time limit."""

    next_step: ClassVar[str] = (
        "give jobs more time (TrainingTimeoutSeconds; on a laptop "
        "HOUSING_TRAINING_TIMEOUT_SECONDS), then upload the file again"
    )

    def __init__(self, seconds: float) -> None:
        """Keep the time limit."""
        super().__init__(f"the job took longer than {seconds:,.0f} s, its limit, and was stopped")
