"""The routes that list the model's versions and change which of them is live."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from housing.registry.ledger import AliasChange
from housing.registry.port import ModelVersion, Tag
from predict.admin.model_card import metrics_of
from predict.admin.model_changes import Changed, ModelChanges
from predict.http import problem_handlers as framework_problems
from predict.http.key_middleware import KEY_ID
from predict.scoring.json_names import refuse_repeated_names
from predict.scoring.request_body import sized

_HISTORY = 20
_UNKNOWN = -1  # so that the body is read for sure
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Version = Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,8}$")]


class VersionSummary(BaseModel):
    """One version of the model."""

    version: str
    aliases: list[str]
    created_at: datetime
    data_source: str | None
    dataset_id: str | None
    metrics: dict[str, float]
    verdict: str | None
    verdict_reason: str | None
    rolled_back: str | None = Field(description="when and why it was rolled back from")


class Models(BaseModel):
    """The newest versions, and the newest changes of aliases; newest first."""

    name: str
    production: str | None
    versions: list[VersionSummary]
    history: list[AliasChange]


class Rollback(BaseModel):
    """What to go back to, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "drift"}]})

    reason: Why
    to: Version | None = Field(None, description="version; the one before the last change if none")


class Promotion(BaseModel):
    """What to promote, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": "3", "reason": "it is right"}]}
    )

    version: Version
    reason: Why


class Change(BaseModel):
    """What is live now, and what was."""

    version: str
    from_version: str | None
    changed: bool = Field(description="false where the version was live already")


def model_routes(changes: Callable[[], ModelChanges], model_name: str) -> APIRouter:
    """Build the routes.

    Args:
        changes: Makes the use case, or returns it; not called before it is needed.
        model_name: The registered model.
    """
    router = APIRouter(tags=["models"])

    @router.get("/models", responses=framework_problems.documented(422, 503))
    def models(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Models:
        """List the newest versions, and who changed what is live, when and why."""
        return Models(
            name=model_name,
            production=changes().live_version(),  # perhaps older than all that are listed
            versions=[_summary(version) for version in changes().versions(limit)],
            history=changes().newest(_HISTORY),
        )

    statuses = framework_problems.documented(400, 404, 409, 422, 503)

    once = [Depends(_names_once)]

    @router.post("/models/rollback", responses=statuses, dependencies=once)
    def rollback(wanted: Rollback, request: Request) -> Change:
        """Put an earlier version back; it is proved to load before anything moves."""
        return _change(changes().rollback(wanted.to, why=wanted.reason, who=_who(request)))

    @router.post("/models/promote", responses=statuses, dependencies=once)
    def promote(wanted: Promotion, request: Request) -> Change:
        """Make a version live, whatever the gate said of it; it is proved to load before."""
        return _change(changes().promote(wanted.version, why=wanted.reason, who=_who(request)))

    return router


async def _names_once(request: Request) -> None:
    """Refuse a body that is too large, no JSON, or names a field twice."""
    refuse_repeated_names(sized(await request.body()), _UNKNOWN)


def _change(changed: Changed) -> Change:
    return Change(
        version=changed.version, from_version=changed.from_version, changed=changed.is_changed
    )


def _who(request: Request) -> str:
    return f"api key {getattr(request.state, KEY_ID, 'unknown')}"


def _summary(version: ModelVersion) -> VersionSummary:
    tags = version.tags
    return VersionSummary(
        version=version.version,
        aliases=sorted(version.aliases),
        created_at=version.created_at,
        data_source=tags.get(Tag.DATA_SOURCE),
        dataset_id=tags.get(Tag.DATASET_ID),
        metrics=metrics_of(tags),
        verdict=tags.get(Tag.VERDICT),
        verdict_reason=tags.get(Tag.VERDICT_REASON),
        rolled_back=tags.get(Tag.ROLLED_BACK) or None,
    )
