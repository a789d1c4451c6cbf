"""The model that answers requests, and the port that hands it out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from housing.registry.port import ModelVersion
from predict.model.predictor import Predictor


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded version; ``stale`` when it may not be what the alias names now."""

    version: ModelVersion
    predictor: Predictor
    loaded_at: datetime
    stale: bool = False
    reason: str | None = None


class ModelStore(Protocol):
    """Hands out the model to serve."""

    def is_due(self) -> bool:
        """Whether ``current`` would ask the registry, and so may wait."""
        ...

    def recheck(self) -> None:
        """Forget when the registry was last asked: the next request asks."""
        ...

    def current(self) -> ServedModel:
        """Return the model to serve now.

        Raises:
            ModelUnavailableError: There is none yet.
        """
        ...


def model_headers(served: ServedModel) -> dict[str, str]:
    """Return the headers that every answer of a model carries."""
    if served.stale:
        return {"X-Model-Version": served.version.version, "X-Model-Stale": "true"}
    return {"X-Model-Version": served.version.version}
