"""The last promoted model in memory."""

import hashlib
from datetime import UTC, datetime

from housing.errors import LastPromotedError
from housing.registry.last_promoted import PromotedModel
from housing.registry.port import ModelVersion, Tag


class FakeLastPromotedModel:
    """Holds one model, or none."""

    def __init__(self) -> None:
        self.promoted: PromotedModel | None = None
        self.is_down = False

    def put(self, model: bytes, *, version: str = "1", sha256: str | None = None) -> None:
        """Keep a model, as a promotion would; its digest is right unless another is given."""
        tags = {Tag.SHA256: sha256 or hashlib.sha256(model).hexdigest()}
        written_at = datetime(2026, 11, 1, tzinfo=UTC)
        promoted = ModelVersion("california-housing", version, "", written_at, tags)
        self.promoted = PromotedModel(promoted, lambda: model)

    def find(self) -> PromotedModel:
        """See ``LastPromotedModel.find``."""
        if self.promoted is None or self.is_down:
            msg = "the bucket has no model"
            raise LastPromotedError(msg)
        return self.promoted
