"""Models of ``GET /model`` and ``GET /health``."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from housing.registry.automatic_promotion import AutomaticPromotion
from housing.registry.port import Tag
from housing.tree_library import Trees
from predict.model.loading import ServedModel


class ModelSummary(BaseModel):
    """The version that answers, in short."""

    name: str
    version: str
    alias: str
    created_at: datetime
    loaded_at: datetime
    data_source: str | None
    dataset_id: str | None
    metrics: dict[str, float]
    trees: Trees = Field(description="whose trees answer: the library's or ONNX Runtime's own")


class ModelCard(ModelSummary):
    """The version that answers, with all that the registry says of it."""

    model_config = ConfigDict(protected_namespaces=())

    run_id: str
    schema_version: str | None
    verdict: str | None
    verdict_reason: str | None
    card: str | None = Field(description="the model card, in Markdown")
    tags: dict[str, str]
    stale: bool
    reason: str | None


class PromotionSummary(BaseModel):
    """Whether jobs may promote; who stopped them, and since when."""

    stopped: bool
    since: datetime | None
    who: str | None

    @classmethod
    def of(cls, state: AutomaticPromotion | None) -> Self | None:
        """Describe a state, if it is known."""
        if state is None:
            return None
        return cls(stopped=state.stopped, since=state.since, who=state.who)


class Health(BaseModel):
    """Whether the service can answer, and with what."""

    model_config = ConfigDict(protected_namespaces=())

    status: Literal["ok", "degraded", "no_model"]
    stage: str
    model: ModelSummary | None
    stale: bool
    reason: str | None
    automatic_promotion: PromotionSummary | None = Field(description="null where it is not known")


def summary(served: ServedModel, alias: str) -> ModelSummary:
    """Summarize the served version."""
    version = served.version
    return ModelSummary(
        name=version.name,
        version=version.version,
        alias=alias,
        created_at=version.created_at,
        loaded_at=served.loaded_at,
        data_source=version.tags.get(Tag.DATA_SOURCE),
        dataset_id=version.tags.get(Tag.DATASET_ID),
        metrics=metrics_of(version.tags),
        trees=served.predictor.trees,
    )


def card(served: ServedModel, alias: str) -> ModelCard:
    """Describe the served version in full."""
    tags = served.version.tags
    return ModelCard(
        **dict(summary(served, alias)),
        run_id=served.version.run_id,
        schema_version=tags.get(Tag.SCHEMA_VERSION),
        verdict=tags.get(Tag.VERDICT),
        verdict_reason=tags.get(Tag.VERDICT_REASON),
        card=served.version.description or None,
        tags=dict(tags),
        stale=served.stale,
        reason=served.reason,
    )


def metrics_of(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the metrics among the tags that are finite numbers."""
    metrics = {}
    for name, text in tags.items():
        try:
            value = float(text) if name.startswith(Tag.METRIC_PREFIX) else math.nan
        except ValueError:
            continue
        if math.isfinite(value):
            metrics[name.removeprefix(Tag.METRIC_PREFIX)] = value
    return metrics
