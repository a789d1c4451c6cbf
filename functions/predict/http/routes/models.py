"""Routes that list the model's versions and change the live one."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from housing.registry.automatic_promotion import AutomaticPromotion
from housing.registry.ledger import AliasChange, Decision
from housing.registry.port import ModelVersion, Tag
from predict.admin.model_card import metrics_of
from predict.admin.model_changes import Changed, ModelChanges
from predict.http.problem_handlers import documented
from predict.http.requests import Why, names_once, who

_HISTORY = 20
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


class VersionCard(VersionSummary):
    """One version, with all that the registry has of it."""

    job_id: str | None
    gate: dict[str, str] = Field(description="numbers of the gate's comparison, by name")
    card: str | None = Field(description="the model card, in Markdown")


class Promotion(BaseModel):
    """Whether jobs may promote; who stopped them, since when and why."""

    stopped: bool
    since: datetime | None
    who: str | None
    why: str | None

    @classmethod
    def of(cls, state: AutomaticPromotion) -> Self:
        """Describe a state."""
        return cls(stopped=state.stopped, since=state.since, who=state.who, why=state.why)


class Models(BaseModel):
    """The newest versions, and the newest entries of the ledger; newest first."""

    name: str
    production: str | None
    automatic_promotion: Promotion
    versions: list[VersionSummary]
    history: list[AliasChange | Decision]


class Rollback(BaseModel):
    """What to go back to, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "drift"}]})

    reason: Why
    to: Version | None = Field(None, description="version; the one before the last change if none")


class Choice(BaseModel):
    """What to promote, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": "3", "reason": "it is right"}]}
    )

    version: Version
    reason: Why


class Resumption(BaseModel):
    """Why jobs may promote again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "the file is taken out"}]}
    )

    reason: Why


class Change(BaseModel):
    """What is live now, and what was."""

    version: str
    from_version: str | None
    changed: bool = Field(description="false where the version was live already")
    automatic_promotion: Promotion
    included: list[str] = Field(description="jobs whose rows were held, and are included again")


class Resumed(BaseModel):
    """The stop that was ended."""

    changed: bool = Field(description="false where there was no stop")
    before: Promotion


def model_routes(changes: Callable[[], ModelChanges], model_name: str) -> APIRouter:
    """Build the routes.

    Args:
        changes: Returns the use case; called when it is needed.
        model_name: The registered model.
    """
    router = APIRouter(tags=["models"])

    @router.get("/models", responses=documented(422, 503))
    def models(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Models:
        """List the newest versions, and who changed what is live, when and why."""
        return Models(
            name=model_name,
            production=changes().live_version(),  # perhaps older than all listed ones
            automatic_promotion=Promotion.of(changes().promotion()),
            versions=[_summary(version) for version in changes().versions(limit)],
            history=changes().newest(_HISTORY),
        )

    @router.get("/models/{version}", responses=documented(404, 422, 503), name="show_version")
    def show_version(version: Annotated[Version, Path()]) -> VersionCard:
        """Show one version with its card and the numbers of the gate's comparison."""
        return _card(changes().version(version))

    statuses = documented(400, 404, 409, 422, 503)

    once = [Depends(names_once)]

    @router.post("/models/rollback", responses=statuses, dependencies=once)
    def rollback(wanted: Rollback, request: Request) -> Change:
        """Put an earlier version back, proved to load before; jobs promote nothing from then on."""
        return _change(changes().rollback(wanted.to, why=wanted.reason, who=who(request)))

    @router.post("/models/promote", responses=statuses, dependencies=once)
    def promote(wanted: Choice, request: Request) -> Change:
        """Make a version live, whatever the gate said of it; it is proved to load before."""
        return _change(changes().promote(wanted.version, why=wanted.reason, who=who(request)))

    @router.post("/models/resume", responses=statuses, dependencies=once)
    def resume(wanted: Resumption, request: Request) -> Resumed:
        """Let jobs promote again, after a rollback stopped them."""
        before = changes().resume(why=wanted.reason, who=who(request))
        return Resumed(changed=before.stopped, before=Promotion.of(before))

    return router


def _change(changed: Changed) -> Change:
    return Change(
        version=changed.version,
        from_version=changed.from_version,
        changed=changed.is_changed,
        automatic_promotion=Promotion.of(changed.promotion),
        included=list(changed.included),
    )


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


def _card(version: ModelVersion) -> VersionCard:
    tags = version.tags
    gate = {
        name.removeprefix(Tag.GATE_PREFIX): value
        for name, value in tags.items()
        if name.startswith(Tag.GATE_PREFIX)
    }
    return VersionCard(
        **dict(_summary(version)),
        job_id=tags.get(Tag.JOB_ID),
        gate=gate,
        card=version.description or None,
    )
