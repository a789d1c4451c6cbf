"""Failures of registry and bucket, as the one error that says to send the request again."""

from collections.abc import Iterator
from contextlib import contextmanager

from housing.errors import LeaseError, LedgerError, ObjectError, RegistryError
from predict.errors import StoreUnavailableError

_RETRY_SECONDS = 10


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
