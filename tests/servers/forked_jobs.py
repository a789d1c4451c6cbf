"""Real training jobs as processes that are quick to start, and quick to kill.

A fork server imports the job's packages once; every job is forked from it, with an environment of
its own.
"""

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config

from retrain.launcher import Job

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_NICENESS = 10
"""Many jobs at once leave the processor to the tests that run beside."""

_PRELOADED = (
    "retrain.training.job.program",
    "retrain.training.tracking.mlflow",
    "retrain.training.model.fit",
    "retrain.training.model.engines.scikit_learn",
)


class ForkedJobLauncher:
    """The ``JobLauncher`` of a test; so many jobs run at once, the others queue.

    Attributes:
        killed: The ids of the jobs whose processes were killed, one for each time.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        *,
        at_once: int,
        patience_seconds: float,
    ) -> None:
        """Remember how to run jobs.

        Args:
            environment: Of each job.
            folder: Where their logs are kept.
            at_once: So many run, the others queue.
            patience_seconds: How long they wait for an answer of S3 or the registry.
        """
        self.killed: list[str] = []
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(_PRELOADED))
        self._environment = dict(environment)
        self._folder = folder
        self._at_once = at_once
        self._patience_seconds = patience_seconds
        self._queue: list[Job] = []
        self._running: dict[BaseProcess, Job] = {}
        self._lock = threading.Lock()

    def launch(self, job: Job) -> None:
        """See ``JobLauncher.launch``."""
        with self._lock:
            if job not in self._queue:
                self._queue.append(job)
        self.turn()

    def attend(self) -> set[str]:
        """See ``JobLauncher.attend``."""
        self.turn()
        with self._lock:
            return {job.job_id for job in (*self._queue, *self._running.values())}

    def turn(self) -> None:
        """Forget who has ended, and start who waits."""
        with self._lock:
            for process in [process for process in self._running if not process.is_alive()]:
                process.join()
                del self._running[process]
            while self._queue and len(self._running) < self._at_once:
                job = self._queue.pop(0)
                log = str(self._folder / f"{job.job_id}.log")
                process = self._context.Process(
                    target=_run,
                    args=(job.arguments(), self._environment, log, self._patience_seconds),
                )
                process.start()
                self._running[process] = job

    def kill_one(self, choice: random.Random) -> None:
        """Kill one of the running jobs, whatever it is at."""
        with self._lock:
            alive = [process for process in self._running if process.is_alive()]
            if not alive:
                return
            victim = choice.choice(sorted(alive, key=lambda process: process.pid or 0))
            self.killed.append(self._running[victim].job_id)
            victim.kill()

    def is_idle(self) -> bool:
        """Whether nobody runs or waits."""
        self.turn()
        return not self._queue and not self._running

    def end(self) -> None:
        """Kill all."""
        with self._lock:
            self._queue.clear()
            for process in self._running:
                process.kill()
                process.join()
            self._running.clear()


def _run(
    arguments: list[str], environment: dict[str, str], log: str, patience_seconds: float
) -> None:
    """Be one job: ``python -m retrain.training``, but for the start of Python, and impatient."""
    from retrain.training.__main__ import main  # noqa: PLC0415 - in the job's own process
    from retrain.training.job import program  # noqa: PLC0415

    impatient = Config(connect_timeout=patience_seconds, read_timeout=patience_seconds)
    program._BOUNDED = program._BOUNDED.merge(impatient)
    program._REGISTRY_SECONDS = patience_seconds
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.nice(_NICENESS)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    os.environ.clear()
    os.environ.update(environment)
    raise SystemExit(main(arguments))
