"""One training job: its turn, its stages, and an end that is always written down and told."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

from housing.errors import HousingError
from housing.jobs import JobStatus, Stage, State
from retrain.training.errors import JobStoppedError, TrainingError, UploadRejectedError
from retrain.training.ingest import Upload
from retrain.training.job_metrics import write_job_metrics
from retrain.training.lease import Lease
from retrain.training.outcomes import alert_on
from retrain.training.parts import Parts
from retrain.training.pipeline import train
from retrain.training.progress import JobProgress, open_status

_LOG = logging.getLogger(__name__)
_DONE = (State.SUCCEEDED, State.REJECTED)
_WAIT_NOTE_SECONDS = 30.0


def run(upload: Upload, parts: Parts, *, sleep: Callable[[float], None] = time.sleep) -> State:
    """Run the job of an upload to its end and return how it ended.

    What is served stays untouched unless the job succeeds. A job that is done already is left as
    it is.
    """
    before = open_status(parts.jobs, upload.job_id, upload.key, upload.version)
    if before.state in _DONE:
        return before.state
    progress = JobProgress(parts.jobs, before.model_copy(deep=True))
    settings = parts.settings
    lease = Lease(
        parts.s3,
        settings.bucket,
        holder=upload.job_id,
        seconds=settings.lease_seconds,
        sleep=sleep,
    )
    try:
        _take_turn(upload, parts, progress, lease)
    except JobStoppedError:
        progress.stop()
    except UploadRejectedError as exc:
        progress.status.report_key = exc.report_key
        progress.finish(
            State.REJECTED, "the file was rejected", reason=str(exc), next_step=exc.next_step
        )
    except TrainingError as exc:
        progress.fail(str(exc), exc.next_step)
    except HousingError as exc:
        progress.fail(str(exc), "check that the MLflow server is up, then upload the file again")
    except Exception as exc:  # noqa: BLE001 - the outermost handler: an end is always told
        _LOG.exception("job_crashed", extra={"job_id": upload.job_id})
        progress.fail(f"{type(exc).__name__}: {_first_line(exc)}", TrainingError.next_step)
    finally:
        _alert(before, progress, parts)
        if progress.has_ended:
            write_job_metrics(progress.status)
    return progress.status.state


def _take_turn(upload: Upload, parts: Parts, progress: JobProgress, lease: Lease) -> None:
    wait_seconds = parts.settings.lease_wait_seconds
    with ExitStack() as turn:
        with progress.stage(Stage.WAIT, "waiting for its turn"):
            turn.enter_context(lease.held(wait_seconds=wait_seconds, on_wait=_note_wait(progress)))
        twin = open_status(parts.jobs, upload.job_id, upload.key, upload.version)
        if twin.state in _DONE:
            progress.status = twin
        else:
            train(upload, parts, progress, lease)


def _note_wait(progress: JobProgress) -> Callable[[str], None]:
    """Return what notes who is waited for: when that changes, and every half minute."""
    noted: tuple[str, float] = ("", 0.0)

    def note(holder: str) -> None:
        nonlocal noted
        is_old = time.monotonic() - noted[1] >= _WAIT_NOTE_SECONDS
        if holder != progress.status.job_id and (holder != noted[0] or is_old):
            noted = (holder, time.monotonic())
            progress.say(f"waiting for job {holder} to end")

    return note


def _alert(before: JobStatus, progress: JobProgress, parts: Parts) -> None:
    """Tell of the job's end, once: a second try that fails the same way is no news."""
    status = progress.status
    is_news = (before.state, before.reason) != (status.state, status.reason)
    alert = alert_on(status, parts.settings.model_name)
    if alert and is_news and progress.has_ended:
        parts.alerts.send(alert)


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0]
