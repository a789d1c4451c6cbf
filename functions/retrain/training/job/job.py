"""Run one training job: ingest, wait for the lease, train, report."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

from housing.alerts.jobs import alert_on, alert_on_drift
from housing.errors import HousingError, JobTakenOverError, LeaseError, ObjectError
from housing.jobs.status import JobStatus, Stage, State
from housing.s3.layout import JOBS
from housing.s3.lease import Lease
from retrain.training.errors import (
    JobStoppedError,
    TrainingError,
    UploadExcludedError,
    UploadRejectedError,
)
from retrain.training.job.context import JobContext
from retrain.training.job.job_metrics import write_job_metrics
from retrain.training.job.pipeline import ingest_upload, promoter_of, train
from retrain.training.job.progress import JobProgress, open_status
from retrain.training.upload.ingest import Upload

LEASE = f"{JOBS}lease"
"""Held by the one job that trains."""
_LOG = logging.getLogger(__name__)
_DONE = (State.SUCCEEDED, State.REJECTED, State.HELD)
_WAIT_NOTE_SECONDS = 30.0


def run(
    upload: Upload, context: JobContext, *, sleep: Callable[[float], None] = time.sleep
) -> State:
    """Run the job of an upload and return its final state.

    What is served stays untouched unless the job succeeds. A job that is done already is left as
    it is. One that was stopped is queued; one that another process has taken over is running.
    """
    before = open_status(context.jobs, upload.job_id, upload.key, upload.version)
    if before.state in _DONE:
        return before.state
    progress = JobProgress(context.jobs, before.model_copy(deep=True))
    describe = None
    try:
        with progress.beating(context.settings.heartbeat_seconds):
            describe = _run(upload, context, progress, sleep)
    except JobTakenOverError:
        _LOG.warning("job_taken_over", extra={"job_id": upload.job_id})
        state = context.jobs.load(upload.job_id).state
        return state if state.is_final else State.RUNNING
    except JobStoppedError as exc:
        progress.stop(exc)
    except HousingError as exc:
        _end(progress, exc)
    except Exception as exc:  # noqa: BLE001 - the outermost handler: every end is reported
        _LOG.exception("job_crashed", extra={"job_id": upload.job_id})
        progress.fail(f"{type(exc).__name__}: {_first_line(exc)}", TrainingError.next_step)
    finally:
        _alert(before, progress, context)
        if progress.has_ended:
            write_job_metrics(progress.status)
    if describe:
        try:
            describe()
        except JobStoppedError:  # the job has ended
            _LOG.warning("version_not_described", extra={"job_id": upload.job_id})
    return progress.status.state


def _run(
    upload: Upload, context: JobContext, progress: JobProgress, sleep: Callable[[float], None]
) -> Callable[[], None] | None:
    """Add the upload's rows to the data set, then wait for the lease and train on all rows.

    Of many waiting jobs, the first trains on the rows of all; the others have nothing left to do.

    Returns:
        A function that describes a version that was trained now.
    """
    if progress.status.rollbacks_seen is None:  # else: of an earlier try, which counts as running
        progress.status.rollbacks_seen = context.live.promotion.load().rollbacks
    taken = ingest_upload(upload, context, progress)
    settings = context.settings
    lease = Lease(
        context.s3,
        settings.bucket,
        LEASE,
        holder=f"job {upload.job_id}",
        seconds=settings.lease_seconds,
        sleep=sleep,
    )
    with ExitStack() as turn:
        with progress.stage(Stage.WAIT, "waiting for its turn"):
            note = _note_wait(progress)
            held = lease.held(wait_seconds=settings.lease_wait_seconds, on_wait=note)
            turn.enter_context(held)
        twin = open_status(context.jobs, upload.job_id, upload.key, upload.version)
        if twin.state in _DONE:
            progress.replace(twin)
            return None
        promoter_of(context, progress).repair()
        return train(taken, context, progress, lease)


def _end(progress: JobProgress, exc: HousingError) -> None:
    """Record the end of a job that failed or was rejected."""
    match exc:
        case UploadRejectedError():
            progress.status.report_key = exc.report_key
            message, next_step = "the file was rejected", exc.next_step
        case UploadExcludedError():
            progress.status.excluded = True
            message, next_step = "the file's rows are excluded", exc.command
        case _:
            progress.fail(str(exc), _next_step(exc))
            return
    progress.finish(State.REJECTED, message, reason=str(exc), next_step=next_step)


def _note_wait(progress: JobProgress) -> Callable[[str], None]:
    """Return a callback that reports the lease's holder, on a change and every half minute."""
    noted: tuple[str, float] = ("", 0.0)

    def note(holder: str) -> None:
        nonlocal noted
        progress.check()
        is_old = time.monotonic() - noted[1] >= _WAIT_NOTE_SECONDS
        if holder != f"job {progress.status.job_id}" and (holder != noted[0] or is_old):
            noted = (holder, time.monotonic())
            progress.note(f"waiting for {holder} to end")

    return note


def _alert(before: JobStatus, progress: JobProgress, context: JobContext) -> None:
    """Alert on the job's end, once: a retry that fails the same way is not reported again."""
    status = progress.status
    is_news = (before.state, before.reason) != (status.state, status.reason)
    if not (is_news and progress.has_ended):
        return
    drift = alert_on_drift(status, context.settings.model_name)
    is_known = before.state.is_final and status.drift == before.drift
    alerts = [None if is_known else drift]
    alerts.append(alert_on(status, context.settings.model_name))
    for alert in filter(None, alerts):
        context.alerts.send(alert)


def _next_step(exc: HousingError) -> str:
    match exc:
        case TrainingError():
            return exc.next_step
        case LeaseError():
            return "see what the other job does (housing status), then upload the file again"
        case ObjectError():
            return "check that the bucket can be read and written, then upload the file again"
    return "check that the MLflow server is up, then upload the file again"


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0]
