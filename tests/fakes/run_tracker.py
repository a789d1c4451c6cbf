"""A run tracker that registers in a fake registry."""

from typing import TYPE_CHECKING

from fakes.registry import FakeModelRegistry
from housing.registry.port import MODEL_FILE, ModelVersion
from retrain.training.tracking.port import Candidate, Description

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeRunTracker:
    """Registers candidates, and keeps them.

    Attributes:
        on_register: Called before each registration; may raise.
        descriptions: Descriptions by version.
        on_describe: Called before each description; may raise.
    """

    def __init__(self, registry: FakeModelRegistry) -> None:
        self.candidates: list[Candidate] = []
        self.on_register: Callable[[], None] = lambda: None
        self.descriptions: dict[str, Description] = {}
        self.on_describe: Callable[[], None] = lambda: None
        self._registry = registry

    def prepare(self) -> None:
        """See ``RunTracker.prepare``."""

    def register(self, candidate: Candidate) -> ModelVersion:
        """See ``RunTracker.register``."""
        self.on_register()
        self.candidates.append(candidate)
        return self._registry.register(
            {MODEL_FILE: candidate.model}, tags=candidate.tags(), description=candidate.card
        )

    def describe(self, version: ModelVersion, description: Description) -> None:
        """See ``RunTracker.describe``."""
        self.on_describe()
        self.descriptions[version.version] = description
