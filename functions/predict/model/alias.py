"""One look-up of the alias: its version, loaded and checked, or the failure."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from housing.errors import (
    AliasNotFoundError,
    LastPromotedError,
    RegistryError,
    RegistryUnavailableError,
)
from housing.registry.last_promoted import LastPromotedModel
from housing.registry.port import ModelRegistry, ModelVersion, download_model
from predict.errors import ModelRefusedError
from predict.model.loading import ModelFiles, ServedModel, load_predictor

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AliasFailure:
    """A look-up that failed; ``reason`` is for clients, ``error`` for the log.

    ``refused`` is a version that failed a check.
    """

    event: str
    reason: str
    error: str
    is_unpromoted: bool = False
    refused: ModelVersion | None = None


TOO_SLOW = AliasFailure(
    "alias_not_followed",
    "the model registry cannot be reached in time",
    "the look-up took longer than its time budget",
)


@dataclass(frozen=True, slots=True)
class AliasFollower:
    """Looks an alias up; without state, so that a look-up can be abandoned."""

    registry: ModelRegistry
    files: ModelFiles
    alias: str
    clock: Callable[[], datetime]

    def follow(self, served: ServedModel | None) -> ServedModel | AliasFailure:
        """Look the alias up and load its version, unless that is served already."""
        version: ModelVersion | None = None
        try:
            version = self.registry.version_by_alias(self.alias)
            if served and served.version.identity == version.identity:
                return replace(served, version=version, stale=False, reason=None)
            download = partial(download_model, self.registry, version)
            predictor = load_predictor(download, self.files, version)
            return ServedModel(version, predictor, loaded_at=self.clock())
        except (RegistryError, ModelRefusedError) as exc:
            return AliasFailure(
                event="model_refused" if version else "alias_not_followed",
                reason=self._reason(exc, version, is_serving=served is not None),
                error=str(exc),
                is_unpromoted=isinstance(exc, AliasNotFoundError),
                refused=version if isinstance(exc, ModelRefusedError) else None,
            )

    def _reason(
        self,
        exc: RegistryError | ModelRefusedError,
        version: ModelVersion | None,
        *,
        is_serving: bool,
    ) -> str:
        """Return the reason for clients, without addresses."""
        if isinstance(exc, ModelRefusedError):
            return f"version {version.version if version else '?'} is refused: {exc}"
        if isinstance(exc, AliasNotFoundError):
            return (
                f"no version has the alias {self.alias}"
                if is_serving
                else "no model has been promoted yet; put a CSV under new_data/ in the bucket"
            )
        if isinstance(exc, RegistryUnavailableError):
            return TOO_SLOW.reason
        if version:
            return f"the model file of version {version.version} cannot be read"
        return "the model registry's response is not valid"


@dataclass(frozen=True, slots=True)
class PromotedCopy:
    """The bucket's copy of the last promoted model, checked like a registered version."""

    last_promoted: LastPromotedModel
    files: ModelFiles
    clock: Callable[[], datetime]

    def load(self) -> ServedModel | None:
        """Return the model; log why and return None if it cannot be read or fails a check."""
        try:
            promoted = self.last_promoted.find()
            predictor = load_predictor(promoted.download, self.files, promoted.version)
        except (LastPromotedError, ModelRefusedError) as exc:
            _LOG.warning("model_copy_not_served", extra={"error": str(exc)})
            return None
        return ServedModel(promoted.version, predictor, loaded_at=self.clock())
