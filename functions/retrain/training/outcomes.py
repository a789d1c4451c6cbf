"""What people are told of a job that has ended."""

from housing.alerts import Alert
from housing.alias_repair import Repair
from housing.jobs import JobStatus, State


def alert_on(status: JobStatus, model_name: str) -> Alert | None:
    """Return the alert on an ended job; None where it changed nothing and nothing went wrong."""
    if status.state in (State.REJECTED, State.FAILED):
        return _on_failure(status, model_name)
    if status.verdict is None:
        return None
    version = status.model_version
    if status.promoted:
        return Alert(
            event="model_promoted",
            subject=f"{model_name}: version {version} is in production",
            reason=status.verdict.reason,
            next_step="nothing to do; the version before carries the alias previous",
            facts=_facts(status),
        )
    return Alert(
        event="model_not_promoted",
        subject=f"{model_name}: version {version} was not promoted",
        reason=status.verdict.reason,
        next_step="production serves on as before; the version carries the alias challenger",
        facts=_facts(status),
    )


def alert_on_repair(repaired: Repair, model_name: str) -> Alert:
    """Return the alert on an alias that was not where the ledger says."""
    change = repaired.change
    facts = {"alias": change.alias, "who": change.who, "version": change.to_version or "none"}
    return Alert(
        event="alias_repaired",
        subject=f"{model_name}: alias {change.alias} was not where the ledger says",
        reason=str(repaired),
        next_step="housing models --history",
        facts=facts,
    )


def _on_failure(status: JobStatus, model_name: str) -> Alert:
    is_rejected = status.state == State.REJECTED
    what = "an upload was rejected" if is_rejected else "a training job failed"
    return Alert(
        event="upload_rejected" if is_rejected else "training_failed",
        subject=f"{model_name}: {what}",
        reason=status.reason or "no reason is known",
        next_step=status.next_step or "see the job's log",
        facts=_facts(status),
    )


def _facts(status: JobStatus) -> dict[str, str]:
    facts = {
        "job": status.job_id,
        "file": status.upload_key,
        "stage": None if status.state == State.SUCCEEDED else status.stage.value,
        "version": status.model_version,
        "report": status.report_key,
        "RMSE": f"{status.verdict.challenger_rmse:.4f}" if status.verdict else None,
        "bad rows": f"{status.rows.rejected:,}" if status.rows and status.rows.rejected else None,
    }
    return {name: value for name, value in facts.items() if value is not None}
