"""The bucket's copy of the last promoted model, loaded and proved as a registered version is."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from housing.errors import LastPromotedError
from housing.registry.last_promoted import LastPromotedModel
from predict.errors import ModelRefusedError
from predict.model.files import ModelFiles
from predict.model.loading import load_predictor
from predict.model.served_model import ServedModel

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PromotedCopy:
    """What loading the copy needs."""

    last_promoted: LastPromotedModel
    files: ModelFiles
    clock: Callable[[], datetime]

    def load(self) -> ServedModel | None:
        """Return the model, or None where it cannot be had or fails a check; that is logged."""
        try:
            found = self.last_promoted.find()
            predictor = load_predictor(found.download, self.files, found.version)
        except (LastPromotedError, ModelRefusedError) as exc:
            _LOG.warning("model_copy_not_served", extra={"error": str(exc)})
            return None
        return ServedModel(found.version, predictor, loaded_at=self.clock())
