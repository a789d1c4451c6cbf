"""Alerts on manual changes: of production, of automatic promotion, of the data set."""

from datetime import UTC

from housing.alerts.alert import Alert, AlertEvent
from housing.registry.automatic_promotion import AutomaticPromotion
from housing.registry.port import ModelVersion, Tag

RESUME = 'housing resume --reason "…"'
_LOOK = "find the wrong rows (housing data list) and exclude them (housing data exclude JOB)"


def alert_on_rollback(
    target: ModelVersion,
    left: ModelVersion | None,
    promotion: AutomaticPromotion,
    *,
    why: str,
    who: str,
) -> Alert:
    """Return the alert on a rollback, which also stops automatic promotion.

    Args:
        target: The version in production now.
        left: The one before, if any.
        promotion: The stop.
        why: Reason of the rollback.
        who: Author of the rollback.
    """
    again = f"; no job promotes version {left.version} again" if left else ""
    return Alert(
        event=AlertEvent.ROLLED_BACK,
        subject=f"{target.name}: rolled back to version {target.version}",
        reason=why,
        advice=f"{_LOOK}{again}; jobs promote other versions again after:",
        next_step=RESUME,
        facts={
            "from": _described(left) if left else "none",
            "to": _described(target),
            "who": who,
            "automatic promotion": _stopped(promotion),
        },
    )


def alert_on_stop(
    target: ModelVersion, promotion: AutomaticPromotion, *, why: str, who: str
) -> Alert:
    """Return the alert on a rollback to the version in production: it only stops promotion."""
    return Alert(
        event=AlertEvent.PROMOTION_STOPPED,
        subject=f"{target.name}: automatic promotion is stopped",
        reason=why,
        advice=f"{_LOOK}; jobs promote again after:",
        next_step=RESUME,
        facts={
            "production": _described(target),
            "who": who,
            "automatic promotion": _stopped(promotion),
        },
    )


def alert_on_promotion(
    target: ModelVersion,
    left: ModelVersion | None,
    promotion: AutomaticPromotion,
    *,
    why: str,
    who: str,
) -> Alert:
    """Return the alert on a manual promotion; parameters as in ``alert_on_rollback``."""
    return Alert(
        event=AlertEvent.PROMOTED_BY_HAND,
        subject=f"{target.name}: promoted by hand to version {target.version}",
        reason=why,
        advice="if the prices look wrong, restore the previous version with:" if left else "",
        next_step='housing rollback --reason "…"' if left else "housing models --history",
        facts={
            "from": _described(left) if left else "none",
            "to": _described(target),
            "who": who,
            **({"automatic promotion": _stopped(promotion)} if promotion.stopped else {}),
        },
    )


def alert_on_resume(model_name: str, before: AutomaticPromotion, *, why: str, who: str) -> Alert:
    """Return the alert on the end of a stop."""
    return Alert(
        event=AlertEvent.PROMOTION_RESUMED,
        subject=f"{model_name}: automatic promotion is on again",
        reason=why,
        advice="the next job on its rows compares a held version again; list the versions with:",
        next_step="housing models",
        facts={"who": who, "automatic promotion": f"was {_stopped(before)}"},
    )


def alert_on_data(  # noqa: PLR0913 - the rows, the change, reason and author
    model_name: str, job_id: str, file: str, *, is_excluded: bool, why: str, who: str
) -> Alert:
    """Return the alert on the exclusion or inclusion of a job's rows."""
    advice = "the next job trains without them" if is_excluded else "the next job trains on them"
    undo = "include" if is_excluded else "exclude"
    return Alert(
        event=AlertEvent.DATA_EXCLUDED if is_excluded else AlertEvent.DATA_INCLUDED,
        subject=f"{model_name}: rows were {'excluded' if is_excluded else 'included again'}",
        reason=why,
        advice=f"{advice}; to undo this:",
        next_step=f'housing data {undo} {job_id} --reason "…"',
        facts={"job": job_id, **({"file": file} if file else {}), "who": who},
    )


def _stopped(promotion: AutomaticPromotion) -> str:
    since = promotion.since.astimezone(UTC) if promotion.since else None
    return f"stopped since {since:%Y-%m-%d %H:%M} UTC by {promotion.who}" if since else "on"


def _described(version: ModelVersion) -> str:
    rmse = version.tags.get(f"{Tag.METRIC_PREFIX}rmse")
    return f"version {version.version}, RMSE {rmse}" if rmse else f"version {version.version}"
