"""One training job: its upload taken in, its turn, its stages, and an end that is told."""

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
from retrain.training.job.context import Parts
from retrain.training.job.job_metrics import write_job_metrics
from retrain.training.job.pipeline import add_upload, promoter_of, train
from retrain.training.job.progress import JobProgress, open_status
from retrain.training.upload.ingest import Upload

LEASE = f"{JOBS}lease"
"""Who holds it is the one that trains."""
_LOG = logging.getLogger(__name__)
_DONE = (State.SUCCEEDED, State.REJECTED, State.HELD)
_WAIT_NOTE_SECONDS = 30.0


def run(upload: Upload, parts: Parts, *, sleep: Callable[[float], None] = time.sleep) -> State:
    """Run the job of an upload to its end and return how it ended.

    What is served stays untouched unless the job succeeds. A job that is done already is left as
    it is. One that was stopped is queued; one that another process has taken over is running.
    """
    before = open_status(parts.jobs, upload.job_id, upload.key, upload.version)
    if before.state in _DONE:
        return before.state
    progress = JobProgress(parts.jobs, before.model_copy(deep=True))
    try:
        with progress.beating(parts.settings.heartbeat_seconds):
            _run(upload, parts, progress, sleep)
    except JobTakenOverError:
        _LOG.warning("job_taken_over", extra={"job_id": upload.job_id})
        state = parts.jobs.load(upload.job_id).state
        return state if state.is_final else State.RUNNING
    except JobStoppedError as exc:
        progress.stop(exc)
    except HousingError as exc:
        _end(progress, exc)
    except Exception as exc:  # noqa: BLE001 - the outermost handler: an end is always told
        _LOG.exception("job_crashed", extra={"job_id": upload.job_id})
        progress.fail(f"{type(exc).__name__}: {_first_line(exc)}", TrainingError.next_step)
    finally:
        _alert(before, progress, parts)
        if progress.has_ended:
            write_job_metrics(progress.status)
    return progress.status.state


def _run(
    upload: Upload, parts: Parts, progress: JobProgress, sleep: Callable[[float], None]
) -> None:
    """Add the upload's rows to the data set, then wait for the turn to train on all of them.

    Of many jobs that wait, the first trains on the rows of all, and the others find that done.
    """
    if progress.status.rollbacks_seen is None:  # else: of an earlier try, which counts as running
        progress.status.rollbacks_seen = parts.live.promotion.load().rollbacks
    taken = add_upload(upload, parts, progress)
    settings = parts.settings
    lease = Lease(
        parts.s3,
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
        twin = open_status(parts.jobs, upload.job_id, upload.key, upload.version)
        if twin.state in _DONE:
            progress.replace(twin)
            return
        promoter_of(parts, progress).repair()
        train(taken, parts, progress, lease)


def _end(progress: JobProgress, exc: HousingError) -> None:
    """Write the end of a job that could not do what it is for."""
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
    """Return what notes who is waited for: when that changes, and every half minute."""
    noted: tuple[str, float] = ("", 0.0)

    def note(holder: str) -> None:
        nonlocal noted
        progress.check()
        is_old = time.monotonic() - noted[1] >= _WAIT_NOTE_SECONDS
        if holder != f"job {progress.status.job_id}" and (holder != noted[0] or is_old):
            noted = (holder, time.monotonic())
            progress.say(f"waiting for {holder} to end")

    return note


def _alert(before: JobStatus, progress: JobProgress, parts: Parts) -> None:
    """Tell of the job's end, once: a second try that fails the same way is no news."""
    status = progress.status
    is_news = (before.state, before.reason) != (status.state, status.reason)
    if not (is_news and progress.has_ended):
        return
    drift = alert_on_drift(status, parts.settings.model_name)
    is_known = before.state.is_final and status.drift == before.drift
    alerts = [None if is_known else drift]
    alerts.append(alert_on(status, parts.settings.model_name))
    for alert in filter(None, alerts):
        parts.alerts.send(alert)


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
