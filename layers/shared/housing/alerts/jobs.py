"""Alerts on jobs: their outcomes, data drift, repaired aliases, and results of the sweep."""

import shlex
from collections.abc import Mapping, Sequence

from housing.alerts.alert import Alert, AlertEvent
from housing.jobs.results import Held, HeldPlace, Verdict
from housing.jobs.status import JobStatus, State
from housing.registry.alias_repair import Repair
from housing.s3.layout import NEW_DATA
from housing.schema import amount

_REASON = '--reason "…"'
_SHOWN_PLACES, _SHOWN_JOBS = 3, 3
MANY = 3
"""Least number of uploads without a job in a sweep for an alert: S3 may lose a single event."""
_ENDED_EARLY = (State.REJECTED, State.FAILED)


def alert_on(status: JobStatus, model_name: str) -> Alert | None:
    """Return the alert on an ended job, or None if it changed nothing and did not fail."""
    if status.state in _ENDED_EARLY:
        return _on_failure(status, model_name)
    if status.held is not None:
        return _on_hold(status, status.held, model_name)
    if status.verdict is None:
        return None
    return _on_verdict(status, status.verdict, model_name)


def alert_on_drift(status: JobStatus, model_name: str) -> Alert | None:
    """Return the alert on data drift, or None without drift."""
    drift = status.drift
    if drift is None or not drift.warnings:
        return None
    facts = {
        column.name: f"PSI {column.psi:.2f}, KS {column.ks:.2f}"
        for column in drift.columns
        if column.drifted
    }
    return Alert(
        event=AlertEvent.DATA_DRIFTED,
        subject=f"{model_name}: an upload differs from the training data",
        reason="\n".join(drift.warnings),
        advice="the rows are used; check that the file is the right one",
        next_step=_status_command(status),
        facts={**facts, **_rows(status), **_traces(status)},
    )


def alert_on_refusals(reasons: Sequence[str], model_name: str) -> Alert | None:
    """Return the alert on jobs that the launcher rejected, or None without any."""
    if not reasons:
        return None
    return Alert(
        event=AlertEvent.LAUNCHES_REFUSED,
        subject=f"{model_name}: training jobs cannot be started",
        reason=reasons[0],
        advice="fix the cause; each job is retried every five minutes, and no upload is lost",
        next_step="housing status",
        facts={"jobs": f"{len(reasons):,}"},
    )


def alert_on_recovery(job_ids: Sequence[str], model_name: str) -> Alert | None:
    """Return the alert on uploads that had no job, or None if they are few."""
    if len(job_ids) < MANY:
        return None
    return Alert(
        event=AlertEvent.UPLOADS_RECOVERED,
        subject=f"{model_name}: uploads had no S3 event",
        reason=f"{len(job_ids):,} uploads had no training job; the sweep has started theirs",
        advice="nothing is lost; check that the bucket notifies the retrain function, and that it "
        "does not fail:",
        next_step="housing status",
        facts={"jobs": ", ".join(job_ids)},
    )


def _on_verdict(status: JobStatus, verdict: Verdict, model_name: str) -> Alert:
    version, champion = status.model_version, verdict.champion_version
    if not status.promoted:
        return Alert(
            event=AlertEvent.MODEL_NOT_PROMOTED,
            subject=f"{model_name}: version {version} was not promoted",
            reason=verdict.reason,
            advice="production is unchanged; to promote this version anyway:",
            next_step=f"housing promote {version} {_REASON}",
            facts=_facts(status),
        )
    back = "nothing to do; if the prices look wrong, restore the previous version with:"
    return Alert(
        event=AlertEvent.MODEL_PROMOTED,
        subject=f"{model_name}: version {version} is in production",
        reason=verdict.reason,
        advice=back if champion else "nothing to do; it is the first one",
        next_step=f"housing rollback {_REASON}" if champion else "housing models",
        facts=_facts(status),
    )


def _on_hold(status: JobStatus, held: Held, model_name: str) -> Alert:
    """Return the alert on a held version: reason, places, and the commands of both decisions."""
    shown = {
        f"place {number}": _place(place)
        for number, place in enumerate(held.places[:_SHOWN_PLACES], start=1)
    }
    hidden = len(held.places) - len(shown)
    more = {"more places": f"{hidden}: {_status_command(status)}"} if hidden else {}
    return Alert(
        event=AlertEvent.MODEL_HELD,
        subject=f"{model_name}: version {status.model_version} waits for a person",
        reason=held.reason,
        advice=_ways_on(status, held),
        next_step=f"housing promote {status.model_version} {_REASON}",
        facts={**shown, **more, **_facts(status)},
    )


def _ways_on(status: JobStatus, held: Held) -> str:
    """Return the advice on a held version, up to the command that promotes it."""
    if held.kind == "stop":
        return "the next job after housing resume compares it again; to promote it anyway:"
    if held.kind == "excluded":
        return "the next job trains without these rows; to promote this version anyway:"
    jobs = held.jobs or [status.job_id]
    excluding = [f"housing data exclude {job} {_REASON}" for job in jobs[:_SHOWN_JOBS]]
    more = ["…"] if len(jobs) > _SHOWN_JOBS else []
    return (
        "production is unchanged, and no other job trains on these rows. If they are wrong: "
        f"{'; '.join(excluding + more)}. If they are right, promote this version with:"
    )


def _place(place: HeldPlace) -> str:
    """Describe a place: where, number of rows, both prices, jobs."""
    own, production = map(amount, (place.upload_price, place.production_price))
    jobs = f"; job {', '.join(place.jobs[:_SHOWN_JOBS])}" if place.jobs else ""
    return (
        f"{place.where()}: {place.rows:,} of {place.of_rows:,} rows {place.side}, {own} instead "
        f"of production's {production}{jobs}"
    )


def alert_on_repair(repaired: Repair, model_name: str) -> Alert:
    """Return the alert on an alias that differed from the ledger."""
    change = repaired.change
    facts = {"alias": change.alias, "who": change.who, "version": change.to_version or "none"}
    return Alert(
        event=AlertEvent.ALIAS_REPAIRED,
        subject=f"{model_name}: alias {change.alias} differed from the ledger",
        reason=str(repaired),
        next_step="housing models --history",
        facts=facts,
    )


def _on_failure(status: JobStatus, model_name: str) -> Alert:
    is_rejected = status.state == State.REJECTED
    next_step = _upload_command(status) if is_rejected else _status_command(status)
    advice = status.next_step or "see the job's log"
    if status.excluded:
        advice, next_step = "if its rows are right, include them again with:", advice
    what = "an upload was rejected" if is_rejected else "a training job failed"
    return Alert(
        event=AlertEvent.UPLOAD_REJECTED if is_rejected else AlertEvent.TRAINING_FAILED,
        subject=f"{model_name}: {what}",
        reason=status.reason or "unknown reason",
        advice=advice,
        next_step=next_step,
        facts=_facts(status),
    )


def _status_command(status: JobStatus) -> str:
    return f"housing status {status.job_id}"


def _upload_command(status: JobStatus) -> str:
    """Return the command that uploads the file again, quoted for the shell."""
    name = status.upload_key.removeprefix(NEW_DATA).rpartition("/")[2]
    path = f"./{name}" if name.startswith("-") else name
    return f"housing upload {shlex.quote(path)} --wait"


def _facts(status: JobStatus) -> dict[str, str]:
    """Return the facts, numbers first: some channels truncate."""
    return {**_figures(status), **_rows(status), **_traces(status)}


def _figures(status: JobStatus) -> dict[str, str]:
    verdict = status.verdict
    if verdict is None:
        return _known({"version": status.model_version})
    champion = verdict.champion_error
    error = "log loss" if verdict.challenger_rmse is None else "RMSE"
    return _known(
        {
            "version": status.model_version,
            error: f"{verdict.challenger_error:.4f}",
            "compared with": verdict.champion_version and f"version {verdict.champion_version}",
            f"{error} of that": None if champion is None else f"{champion:.4f}",
            "held-out rows": f"{verdict.holdout_rows:,}",
        }
    )


def _rows(status: JobStatus) -> dict[str, str]:
    rows, total = status.rows, status.dataset_rows
    return _known(
        {
            "rows of the data set": None if total is None else f"{total:,}",
            "new rows": f"{rows.new:,}" if rows else None,
            "bad rows": f"{rows.rejected:,} of {rows.read:,}" if rows and rows.rejected else None,
        }
    )


def _traces(status: JobStatus) -> dict[str, str]:
    """Return stage, file, job and report."""
    return _known(
        {
            "stage": status.stage.value if status.state in _ENDED_EARLY else None,
            "file": status.upload_key,
            "job": status.job_id,
            "report": status.report_key,
        }
    )


def _known(facts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}
