"""Launch training jobs as processes of this machine, one at a time.

Only for a local endpoint: on AWS a process that outlives its invocation is frozen.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher
from retrain.launchers.job_queue import MOST, JobQueue, QueuedJob

_PROGRAM = ("-m", "retrain.training")
_SUPERVISOR = ("-m", "retrain.launchers.supervisor")
_TIMEOUT = "HOUSING_TRAINING_TIMEOUT_SECONDS"
_PASSED_ON = frozenset(
    {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }
)
_PASSED_ON_PREFIXES = ("AWS_ENDPOINT_URL", "MLFLOW_", "HOUSING_")
_LOG = logging.getLogger(__name__)


class LocalJobLauncher(JobLauncher):
    """Queues each job in a folder; a supervisor process runs them one after another."""

    def __init__(
        self,
        python: Path,
        jobs_dir: Path,
        environment: Mapping[str, str],
        *,
        timeout_seconds: float = 3_600,
    ) -> None:
        """Keep the command, the environment and the queue of jobs.

        Args:
            python: The interpreter that has the training job's packages.
            jobs_dir: Folder of the queue, ``<job_id>.log`` and ``<job_id>.pid``.
            environment: Variables of this process; jobs get only those that they need.
            timeout_seconds: Longest run time of a job.
        """
        self._python = python
        self._jobs_dir = jobs_dir
        self._environment = {
            name: value
            for name, value in environment.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        } | {_TIMEOUT: f"{timeout_seconds:g}"}
        self._timeout_seconds = timeout_seconds
        self._queue = JobQueue(jobs_dir)
        self._supervisors: list[int] = []

    @override
    def launch(self, job: Job) -> None:
        command = [str(self._python), *_PROGRAM, *job.arguments()]
        queued = QueuedJob(job.job_id, command, self._environment, self._timeout_seconds)
        try:
            has_room = self._queue.add(queued)
            if has_room:
                self._supervise()
        except OSError as exc:
            self._queue.remove(job.job_id)
            msg = f"the training job could not be started with {self._python}: {exc.strerror}"
            raise LaunchError(msg) from exc
        if not has_room:
            msg = f"{MOST:,} training jobs are queued already (make status)"
            raise LaunchError(msg)

    @override
    def attend(self) -> set[str]:
        waiting = self._queue.waiting()
        if waiting:
            try:
                self._supervise()
            except OSError as exc:
                _LOG.error("queue_not_supervised", extra={"error": str(exc)})
        at_work = self._queue.at_work()
        return {*waiting, at_work.job_id} if at_work else set(waiting)

    def _supervise(self) -> None:
        """Start a supervisor process unless one is running; it outlives this process."""
        self._supervisors = [pid for pid in self._supervisors if not _has_ended(pid)]
        if self._queue.is_supervised():
            return
        log = str(self._queue.folder / "supervisor.log")
        self._supervisors.append(
            os.posix_spawn(  # not Popen, which wants to see its program end
                self._python,
                [str(self._python), *_SUPERVISOR, str(self._jobs_dir)],
                self._environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
            )
        )


def _has_ended(pid: int) -> bool:
    """Return whether a child has ended; reap it if so."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
