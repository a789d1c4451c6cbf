"""Alerts on what the sweep met: launches that were refused, and uploads whose events never came."""

from collections.abc import Sequence

from housing.alerts.alert import Alert, AlertEvent

MANY = 3
"""Uploads without a job in one sweep; fewer are counted and logged, as S3 may lose an event."""


def alert_on_refusals(reasons: Sequence[str], model_name: str) -> Alert | None:
    """Return the alert on jobs that no launcher took; None where there are none."""
    if not reasons:
        return None
    return Alert(
        event=AlertEvent.LAUNCHES_REFUSED,
        subject=f"{model_name}: training jobs cannot be started",
        reason=reasons[0],
        advice="put it right; each job is tried again every five minutes, and no upload is lost",
        next_step="housing status",
        facts={"jobs": f"{len(reasons):,}"},
    )


def alert_on_recovery(job_ids: Sequence[str], model_name: str) -> Alert | None:
    """Return the alert on uploads that the sweep found without a job; None where they are few."""
    if len(job_ids) < MANY:
        return None
    return Alert(
        event=AlertEvent.UPLOADS_RECOVERED,
        subject=f"{model_name}: uploads were found that no event told of",
        reason=f"{len(job_ids):,} uploads had no training job; the sweep has started theirs",
        advice="nothing is lost; see whether the bucket still notifies the retrain function, and "
        "whether that failed:",
        next_step="housing status",
        facts={"jobs": ", ".join(job_ids)},
    )
