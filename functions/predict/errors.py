"""What can go wrong in the predict function, and the HTTP status of each.

HousingError
└── PredictError
    ├── UnavailableError
    │   ├── ModelUnavailableError
    │   ├── ApiKeysUnavailableError
    │   └── StoreUnavailableError
    ├── UnauthorizedError
    ├── ForbiddenError
    ├── NoSuchTargetError
    ├── ChangeRefusedError
    ├── ModelRefusedError
    ├── ModelOutputError
    └── RequestError
        ├── UnsupportedContentTypeError
        ├── MalformedBodyError
        ├── TooLargeError
        └── InvalidFieldsError
            └── RefusedInvocationError
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from housing.errors import HousingError, LeaseError, LedgerError, ObjectError, RegistryError

SHOWN_ERRORS = 100
_NAMED_FIELDS = 10
_RETRY_SECONDS = 10


class PredictError(HousingError):
    """Raised when the predict function fails in a way of its own."""

    reason = "predict"
    """The class's name as metrics show it: ``InvalidFieldsError`` is ``invalid_fields``."""

    def __init_subclass__(cls) -> None:
        """Derive the reason."""
        super().__init_subclass__()
        words = re.findall("[A-Z][a-z]*", cls.__name__.removesuffix("Error"))
        cls.reason = "_".join(words).lower()


class UnavailableError(PredictError):
    """Raised when asking again later makes sense; its text is fit for clients."""

    def __init__(self, text: str, *, retry_after_seconds: int) -> None:
        """Say why, and when to ask again."""
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class ModelUnavailableError(UnavailableError):
    """Raised when there is no model to serve yet."""


class ApiKeysUnavailableError(UnavailableError):
    """Raised when nobody can tell whether a key is valid."""


class StoreUnavailableError(UnavailableError):
    """Raised when registry, bucket or CloudWatch cannot tell or do what is asked for."""


class NoSuchTargetError(PredictError):
    """Raised when a change names a version, or rows, that are not there; fit for clients."""


class ChangeRefusedError(PredictError):
    """Raised when what is live cannot become what was asked for; its text is fit for clients."""


class UnauthorizedError(PredictError):
    """Raised when a request has no key or one that is not valid; its text is fit for clients."""


class ForbiddenError(PredictError):
    """Raised when a request's key does not allow it; its text is fit for clients."""


class ModelRefusedError(PredictError):
    """Raised when a version fails a check and must not be served; its text is fit for clients."""


class ModelOutputError(PredictError):
    """Raised when a model answers something else than one finite number for each row."""


class RequestError(PredictError):
    """Raised when a request cannot be understood; its text is fit for clients."""


class UnsupportedContentTypeError(RequestError):
    """Raised when the body is not declared to be of a type that the route reads."""


class MalformedBodyError(RequestError):
    """Raised when the body is not what its content type says."""


class TooLargeError(RequestError):
    """Raised when a body, its rows or their answer are over a limit."""


class InvalidFieldsError(RequestError):
    """Raised when fields of the body are missing, unknown or out of range."""

    def __init__(
        self,
        errors: Sequence[Mapping[str, Any]],
        *,
        total: int | None = None,
        counts_all: bool = True,
    ) -> None:
        """Take one mapping of ``field``, ``message`` and perhaps ``value`` for each field.

        Args:
            errors: All of them or the first; ``SHOWN_ERRORS`` are kept.
            total: How many there are, where not all are given.
            counts_all: Whether the search went on to the end.
        """
        self.errors = tuple(errors[:SHOWN_ERRORS])
        self.total = len(errors) if total is None else total
        self.counts_all = counts_all
        fields = ", ".join(str(error["field"]) for error in self.errors[:_NAMED_FIELDS])
        more = self.total - _NAMED_FIELDS
        in_all = f"{self.total} in all" if counts_all else f"at least {self.total} in all"
        text = f"{fields} and {more} more ({in_all})" if more > 0 else fields
        super().__init__(f"not valid: {text}")


class RefusedInvocationError(InvalidFieldsError):
    """Raised when a request in MLflow's protocol has such fields; MLflow's status for it is 400."""

    @classmethod
    def of(cls, exc: InvalidFieldsError) -> "RefusedInvocationError":
        """Return what a check of fields found, under MLflow's status."""
        return cls(exc.errors, total=exc.total, counts_all=exc.counts_all)


STATUS: Mapping[type[PredictError], HTTPStatus] = {
    ModelUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    ApiKeysUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    NoSuchTargetError: HTTPStatus.NOT_FOUND,
    ChangeRefusedError: HTTPStatus.CONFLICT,
    UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    ModelRefusedError: HTTPStatus.SERVICE_UNAVAILABLE,
    ModelOutputError: HTTPStatus.INTERNAL_SERVER_ERROR,
    UnsupportedContentTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    MalformedBodyError: HTTPStatus.BAD_REQUEST,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusedInvocationError: HTTPStatus.BAD_REQUEST,
    InvalidFieldsError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@contextmanager
def outages_as_unavailable() -> Iterator[None]:
    """Translate the errors of a block.

    Raises:
        StoreUnavailableError: Registry or bucket is out of reach, or another process changes what
            is live.
    """
    try:
        yield
    except (LeaseError, LedgerError) as exc:
        msg = f"somebody else changes what is live at this moment: {exc}"
        raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS) from exc
    except (RegistryError, ObjectError) as exc:
        place = "bucket" if isinstance(exc, ObjectError) else "model registry"
        msg = f"the {place} cannot do its part now; send the same request again to go on"
        raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS) from exc
