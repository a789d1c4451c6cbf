"""The training program: ``python -m retrain.training --bucket … --key … --job-id …``.

Exit status 0: the upload ended as a registered version; 1: it was rejected, or the job failed;
143: the program was stopped, and the job goes on later.
"""

import argparse
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from pydantic import ValidationError

from housing.errors import JobTakenOverError
from housing.jobs.status import State
from retrain.training.attempts import ExitStatus
from retrain.training.errors import JobOverTimeError, JobStoppedError, TrainingError
from retrain.training.job.failed_start import record_failed_start, record_stopped_start
from retrain.training.log_lines import write_log_lines

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default waits for 246 s on a dead server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # Of MLflow's own client of S3, which takes the defaults: since boto3 1.44 three tries.
    "AWS_MAX_ATTEMPTS": "5",
    "AWS_RETRY_MODE": "standard",
    "GIT_PYTHON_REFRESH": "quiet",
}
_TIMEOUT = "HOUSING_TRAINING_TIMEOUT_SECONDS"
_OF_ITS_TIME = 0.95  # the time counts from the container's start, seconds before this program's
_LOG = logging.getLogger("retrain.training")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job; a failure before its start is recorded in its status, too."""
    given = _parser().parse_args(arguments)
    write_log_lines()
    timeout_seconds = _timeout_seconds()
    stop = _stopper(timeout_seconds)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, stop)
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        if vars(given).pop("over_time"):
            raise JobOverTimeError(timeout_seconds)  # noqa: TRY301 - handled as where it is met
        # MLflow reads the environment when it is imported.
        from retrain.training.job.program import run_job  # noqa: PLC0415 - after the lines above

        state = run_job(**vars(given))
    except JobOverTimeError as exc:
        return _fail(given, str(exc), exc.next_step)
    except JobStoppedError:
        state = record_stopped_start(bucket=given.bucket, key=given.key, job_id=given.job_id)
    except JobTakenOverError:
        return ExitStatus.NOT_REGISTERED
    except ValidationError as exc:
        wrong = ", ".join(".".join(map(str, e["loc"])) or e["msg"] for e in exc.errors())
        return _fail(given, f"settings are missing or not valid: {wrong}", TrainingError.next_step)
    except Exception as exc:  # noqa: BLE001 - the outermost handler
        _LOG.exception("job_not_begun")
        return _fail(given, f"{type(exc).__name__}: {exc}", TrainingError.next_step)
    if state is State.QUEUED:
        return ExitStatus.STOPPED
    return ExitStatus.REGISTERED if state.is_success else ExitStatus.NOT_REGISTERED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m retrain.training", description=__doc__)
    parser.add_argument("--bucket", required=True, help="the project's bucket")
    parser.add_argument("--key", required=True, help="the upload's key")
    parser.add_argument("--version-id", help="its version, in a bucket with versions")
    parser.add_argument("--job-id", required=True, help="the job's id")
    parser.add_argument(
        "--over-time", action="store_true", help="write that the job was ended for its time"
    )
    return parser


def _timeout_seconds() -> float:
    """Return the job's time limit, infinite by default."""
    try:
        return float(os.environ.get(_TIMEOUT) or math.inf)
    except ValueError:
        return math.inf  # the settings report the error


def _stopper(timeout_seconds: float) -> Callable[[int, FrameType | None], NoReturn]:
    """Return a signal handler that knows when the job began."""
    began = time.monotonic()

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        """Unwind once; further signals do not interrupt the cleanup."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, signal.SIG_IGN)
        if time.monotonic() - began >= _OF_ITS_TIME * timeout_seconds:
            raise JobOverTimeError(timeout_seconds)
        raise JobStoppedError

    return stop


def _fail(given: argparse.Namespace, reason: str, next_step: str) -> int:
    record_failed_start(
        bucket=given.bucket,
        key=given.key,
        job_id=given.job_id,
        reason=reason,
        next_step=next_step,
    )
    return ExitStatus.NOT_REGISTERED


if __name__ == "__main__":
    sys.exit(main())
