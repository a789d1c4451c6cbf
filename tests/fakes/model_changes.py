"""For applications whose tests change no model."""

from predict.admin.model_changes import ModelChanges
from predict.errors import StoreUnavailableError


def no_changes() -> ModelChanges:
    """Say that there is nothing to change it with."""
    msg = "no ledger here"
    raise StoreUnavailableError(msg, retry_after_seconds=60)
