"""A model store that hands out what a test puts into it."""

from predict.errors import ModelUnavailableError
from predict.model.loading import ServedModel


class FakeModelStore:
    """Hands out ``served``, or says that there is no model."""

    def __init__(self, served: ServedModel | None = None) -> None:
        self.served = served
        self.due = False

    def is_due(self) -> bool:
        """See ``ModelStore.is_due``."""
        return self.due

    def recheck(self) -> None:
        """See ``ModelStore.recheck``."""
        self.due = True

    def current(self) -> ServedModel:
        """See ``ModelStore.current``."""
        if self.served is None:
            msg = "no model has been promoted yet"
            raise ModelUnavailableError(msg, retry_after_seconds=5)
        return self.served
