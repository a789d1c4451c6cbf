"""What people are told when a version is put in production by hand."""

from housing.alerts.alert import Alert, AlertEvent
from housing.registry.port import ModelVersion, Tag


def alert_on_change(
    target: ModelVersion, left: ModelVersion | None, *, why: str, who: str, is_rollback: bool
) -> Alert:
    """Return the alert on a version that was put in production by hand, in place of another."""
    if left is None:
        advice, next_step = "", "housing models --history"
    elif is_rollback:
        advice = f"no job promotes version {left.version} again by itself; by hand it comes with:"
        next_step = f'housing promote {left.version} --reason "…"'
    else:
        advice = "should the prices look odd, the version before comes back with:"
        next_step = 'housing rollback --reason "…"'
    did = "rolled back" if is_rollback else "promoted by hand"
    return Alert(
        event=AlertEvent.ROLLED_BACK if is_rollback else AlertEvent.PROMOTED_BY_HAND,
        subject=f"{target.name}: {did} to version {target.version}",
        reason=why,
        advice=advice,
        next_step=next_step,
        facts={
            "from": _described(left) if left else "none",
            "to": _described(target),
            "who": who,
        },
    )


def _described(version: ModelVersion) -> str:
    rmse = version.tags.get(f"{Tag.METRIC_PREFIX}rmse")
    return f"version {version.version}, RMSE {rmse}" if rmse else f"version {version.version}"
