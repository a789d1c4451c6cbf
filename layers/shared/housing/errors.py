"""What can go wrong in the shared package.

HousingError
├── RegistryError
│   ├── RegistryUnavailableError
│   ├── RegistryAnswerError
│   ├── AliasNotFoundError
│   ├── VersionNotFoundError
│   ├── VersionChangedError
│   └── ArtifactError
│       └── ArtifactDigestError
├── ObjectError
│   ├── ObjectMissingError
│   ├── ObjectDeniedError
│   ├── ObjectUnavailableError
│   └── ObjectTooLargeError
├── LastPromotedError
├── JobNotFoundError
├── JobTakenOverError
├── LeaseError
├── PartialMetricsError
└── LedgerError
"""


class HousingError(Exception):
    """Raised when anything of the project's own fails; the root of every other error."""


class RegistryError(HousingError):
    """Raised when the model registry cannot give what was asked."""


class RegistryUnavailableError(RegistryError):
    """Raised when the registry cannot be reached, is too slow or answers with a server error."""


class RegistryAnswerError(RegistryError):
    """Raised when the registry's answer is not what its protocol promises."""


class AliasNotFoundError(RegistryError):
    """Raised when no version of the model carries the alias."""


class VersionNotFoundError(RegistryError):
    """Raised when the model has no such version."""


class VersionChangedError(RegistryError):
    """Raised when a number stands for another model than before: the registry was rebuilt."""

    def __init__(self, version: str) -> None:
        """Say so of a version."""
        super().__init__(f"version {version} is another model by now: the registry was rebuilt")


class ArtifactError(RegistryError):
    """Raised when a version's artifact is missing or lies where it cannot be read."""


class ArtifactDigestError(ArtifactError):
    """Raised when a version's artifact is another file than the registered one."""


class ObjectError(HousingError):
    """Raised when an object in S3 cannot be read whole, or cannot be written."""


class ObjectMissingError(ObjectError):
    """Raised when there is no such object."""


class ObjectDeniedError(ObjectError):
    """Raised when an object may not be read, or is missing in a bucket that may not be listed."""


class ObjectUnavailableError(ObjectError):
    """Raised when S3 is out of reach or busy, or sends no whole body, in several tries."""


class ObjectTooLargeError(ObjectError):
    """Raised when an object is larger than what is to be read."""

    def __init__(self, message: str, *, size_bytes: int) -> None:
        """Say so, and how large it is at least."""
        super().__init__(message)
        self.size_bytes = size_bytes


class LastPromotedError(HousingError):
    """Raised when the copy of the last promoted model is missing, garbled or out of reach."""


class JobNotFoundError(HousingError):
    """Raised when the bucket holds no status of the job."""


class JobTakenOverError(HousingError):
    """Raised when another process works on a job that this one took for its own."""


class LeaseError(HousingError):
    """Raised when another has, or has taken, what only one may have at a time."""


class PartialMetricsError(HousingError):
    """Raised when CloudWatch tells only a part of what was asked."""


class LedgerError(HousingError):
    """Raised when an entry of the ledger would be overwritten."""
