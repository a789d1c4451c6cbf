"""Supervisor process: run the queued training jobs of one machine, one at a time.

``python -m retrain.launchers.supervisor FOLDER`` exits when the queue is empty. If it is killed,
its job goes on and keeps the turn; the next supervisor waits for that job and enforces its time
limit.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import NoReturn

from retrain.launchers.job_queue import JobQueue, QueuedJob, Turn, lock, write_into

OVER_TIME = "--over-time"
"""Option of the training program: record that the job was killed at its time limit."""
GRACE_SECONDS = 30.0
"""Between SIGTERM and SIGKILL, as on Fargate."""
_POLL_SECONDS = 0.2
_WRITE_SECONDS = 120.0


def supervise(jobs_dir: Path, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Run queued jobs in order until the queue is empty or another supervisor has the lock.

    A job that is queued while this supervisor exits is run once the lock is free, by this
    supervisor or by the one that is started for it.
    """
    queue = JobQueue(jobs_dir)
    while queue.waiting():
        with lock(queue.supervisor) as held:
            if held is None:
                return
            write_into(held, str(os.getpid()))
            while job := queue.first():
                _run(job, queue, jobs_dir, grace_seconds)


def _run(job: QueuedJob, queue: JobQueue, jobs_dir: Path, grace_seconds: float) -> None:
    """Wait for the running job to end, then run this one."""
    while True:
        with lock(queue.turn) as held:
            if held is not None:
                _run_now(job, queue, jobs_dir, held, grace_seconds)
                return
        _hold_to_time(queue, grace_seconds)
        time.sleep(_POLL_SECONDS)


def _run_now(
    job: QueuedJob, queue: JobQueue, jobs_dir: Path, held: int, grace_seconds: float
) -> None:
    pid_file = jobs_dir / f"{job.job_id}.pid"
    with (jobs_dir / f"{job.job_id}.log").open("ab") as log:
        try:
            child = _start(job.command, job, jobs_dir, log.fileno(), pass_fds=(held,))
        except OSError as exc:
            queue.remove(job.job_id)
            log.write(f"the job cannot be started: {exc}\n".encode())
            return
        try:
            turn = Turn(job.job_id, child.pid, time.time() + job.timeout_seconds)
            write_into(held, json.dumps(asdict(turn)))
            pid_file.write_text(str(child.pid))
            queue.remove(job.job_id)
            if not _has_ended(child, job.timeout_seconds) and not _end(child, grace_seconds):
                # Its own process is dead and cannot record it.
                over = _start([*job.command, OVER_TIME], job, jobs_dir, log.fileno())
                if not _has_ended(over, _WRITE_SECONDS):
                    _end(over, 0)
        finally:
            _end(child, grace_seconds)
            pid_file.unlink(missing_ok=True)


def _start(
    command: Sequence[str],
    job: QueuedJob,
    folder: Path,
    output: int,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own program, no shell
        list(command),
        env=dict(job.environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def _has_ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes], grace_seconds: float) -> bool:
    """Terminate a job, then kill its process group; return whether SIGTERM was enough."""
    if child.poll() is None:
        child.terminate()
    if _has_ended(child, grace_seconds):
        return True
    _kill(child.pid)
    child.wait()
    return False


def _hold_to_time(queue: JobQueue, grace_seconds: float) -> None:
    """Kill an orphaned job that is over its time limit."""
    turn = queue.at_work()
    if turn and time.time() > turn.ends_at + grace_seconds:
        _kill(turn.pid)


def _kill(pid: int) -> None:
    """Kill a job, the leader of its session, and its children."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind once, which ends the running job; queued jobs stay queued."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    os.chdir(sys.argv[1])
    supervise(Path(sys.argv[1]))
