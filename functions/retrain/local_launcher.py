"""Training jobs as processes of this machine, for a local endpoint.

On AWS a process that outlives its invocation is frozen; there the Batch launcher is used.
"""

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from retrain.errors import LaunchError
from retrain.launcher import Job

_PROGRAM = ("-m", "retrain.training")
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


class LocalJobLauncher:
    """Starts each job in a session of its own; its log and process id lie in one folder."""

    def __init__(self, python: Path, jobs_dir: Path, environment: Mapping[str, str]) -> None:
        """Remember how to start.

        Args:
            python: The interpreter that has the training job's packages.
            jobs_dir: Where ``<job_id>.log`` and ``<job_id>.pid`` are written.
            environment: What a job may inherit; only what it needs is handed on.
        """
        self._python = python
        self._jobs_dir = jobs_dir
        self._environment = {
            name: value
            for name, value in environment.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, job: Job) -> None:
        """See ``JobLauncher.launch``."""
        self._reap()
        try:
            self._jobs_dir.mkdir(parents=True, exist_ok=True)
            with self._file(job.job_id, "log").open("ab") as log:
                child = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    [str(self._python), *_PROGRAM, *job.arguments()],
                    env=self._environment,
                    cwd=self._jobs_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._children[job.job_id] = child
            self._file(job.job_id, "pid").write_text(str(child.pid))
        except OSError as exc:
            msg = f"the training job could not be started with {self._python}: {exc.strerror}"
            raise LaunchError(msg) from exc

    def _reap(self) -> None:
        """Let go of jobs that have ended, so that they do not stay as zombies."""
        for job_id, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[job_id]
                with contextlib.suppress(OSError):
                    self._file(job_id, "pid").unlink(missing_ok=True)

    def _file(self, job_id: str, suffix: str) -> Path:
        return self._jobs_dir / f"{job_id}.{suffix}"
