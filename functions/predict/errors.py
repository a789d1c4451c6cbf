"""Errors of the predict function, and their HTTP statuses.

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
    """Base of the predict function's errors."""

    reason = "predict"
    """The class's name in metrics: ``invalid_fields`` of ``InvalidFieldsError``."""

    def __init_subclass__(cls) -> None:
        """Derive ``reason``."""
        super().__init_subclass__()
        words = re.findall("[A-Z][a-z]*", cls.__name__.removesuffix("Error"))
        cls.reason = "_".join(words).lower()


class UnavailableError(PredictError):
    """Raised when the client should retry later; the text is for clients."""

    def __init__(self, text: str, *, retry_after_seconds: int) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class ModelUnavailableError(UnavailableError):
    """Raised when no model is loaded yet."""


class ApiKeysUnavailableError(UnavailableError):
    """Raised when the keys cannot be read."""


class StoreUnavailableError(UnavailableError):
    """Raised when registry, bucket or CloudWatch is unavailable."""


class NoSuchTargetError(PredictError):
    """Raised when a change names a version or rows that do not exist; the text is for clients."""


class ChangeRefusedError(PredictError):
    """Raised when a change is not possible; the text is for clients."""


class UnauthorizedError(PredictError):
    """Raised when a request has no valid key; the text is for clients."""


class ForbiddenError(PredictError):
    """Raised when a key lacks the scope of a request; the text is for clients."""


class ModelRefusedError(PredictError):
    """Raised when a version fails a check and must not be served; the text is for clients."""


class ModelOutputError(PredictError):
    """Raised when a model fails, or returns other than one finite number for each row."""


class RequestError(PredictError):
    """Raised when a request is not valid; the text is for clients."""


class UnsupportedContentTypeError(RequestError):
    """Raised when a body's Content-Type is not one of the route's, or when it is packed."""

    def __init__(self, text: str, *, accept_encoding: str | None = None) -> None:
        super().__init__(text)
        self.accept_encoding = accept_encoding


class MalformedBodyError(RequestError):
    """Raised when a body does not match its Content-Type."""


class TooLargeError(RequestError):
    """Raised when a body, its rows or the response exceed a limit."""


class InvalidFieldsError(RequestError):
    """Raised when fields of a body are missing, unknown or out of range."""

    def __init__(
        self,
        errors: Sequence[Mapping[str, Any]],
        *,
        total: int | None = None,
        counts_all: bool = True,
    ) -> None:
        """Take one mapping of ``field``, ``message`` and perhaps ``value`` for each field.

        Args:
            errors: All or the first ones; ``SHOWN_ERRORS`` are kept.
            total: Number of all, if more than given.
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
    """Raised for ``InvalidFieldsError`` in MLflow's protocol, whose status is 400."""

    @classmethod
    def of(cls, exc: InvalidFieldsError) -> "RefusedInvocationError":
        """Convert the error, for MLflow's status."""
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
    """Translate a block's errors of registry and bucket.

    Raises:
        StoreUnavailableError: One is unavailable, or another process changes the live model.
    """
    try:
        yield
    except (LeaseError, LedgerError) as exc:
        msg = f"another process is changing the live model: {exc}"
        raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS) from exc
    except (RegistryError, ObjectError) as exc:
        place = "bucket" if isinstance(exc, ObjectError) else "model registry"
        msg = f"the {place} is unavailable; send the same request again to complete it"
        raise StoreUnavailableError(msg, retry_after_seconds=_RETRY_SECONDS) from exc
