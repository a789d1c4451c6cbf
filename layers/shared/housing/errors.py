"""Errors of the shared package.

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
├── UploadNameError
├── JobNotFoundError
├── JobTakenOverError
├── LeaseError
├── PartialMetricsError
└── LedgerError
"""


class HousingError(Exception):
    """Base of all errors of the project."""


class RegistryError(HousingError):
    """Raised when a call of the model registry fails."""


class RegistryUnavailableError(RegistryError):
    """Raised when the registry cannot be reached, is too slow or answers with a server error."""


class RegistryAnswerError(RegistryError):
    """Raised when the registry's response breaks its protocol."""


class AliasNotFoundError(RegistryError):
    """Raised when no version has the alias."""


class VersionNotFoundError(RegistryError):
    """Raised when the model has no such version."""


class VersionChangedError(RegistryError):
    """Raised when a version number names another model than before: the registry was rebuilt."""

    def __init__(self, version: str) -> None:
        super().__init__(f"version {version} is another model now: the registry was rebuilt")


class ArtifactError(RegistryError):
    """Raised when a version's artifact is missing or cannot be read."""


class ArtifactDigestError(ArtifactError):
    """Raised when a version's artifact is not the registered file."""


class ObjectError(HousingError):
    """Raised when an object in S3 cannot be read or written."""


class ObjectMissingError(ObjectError):
    """Raised when an object does not exist."""


class ObjectDeniedError(ObjectError):
    """Raised when access is denied, also to a missing object in a bucket that may not be listed."""


class ObjectUnavailableError(ObjectError):
    """Raised when S3 is unavailable or busy, or sends incomplete bodies, in several tries."""


class ObjectTooLargeError(ObjectError):
    """Raised when an object is larger than a limit."""

    def __init__(self, message: str, *, size_bytes: int) -> None:
        """Set the message and the least size of the object."""
        super().__init__(message)
        self.size_bytes = size_bytes


class LastPromotedError(HousingError):
    """Raised when the copy of the last promoted model is missing, not valid or unavailable."""


class UploadNameError(HousingError):
    """Raised when an upload cannot have a name; the text is for people."""


class JobNotFoundError(HousingError):
    """Raised when the bucket has no status of a job."""


class JobTakenOverError(HousingError):
    """Raised when another process has taken over this process's job."""


class LeaseError(HousingError):
    """Raised when a lease is held by another process, or was lost to one."""


class PartialMetricsError(HousingError):
    """Raised when CloudWatch returns partial data."""


class LedgerError(HousingError):
    """Raised when an entry of the ledger exists already, or is not valid."""
