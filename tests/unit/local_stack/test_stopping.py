"""What ``make stop`` and ``make clean`` end and say; jobs that wait stay queued."""

import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from housing_ops.progress import Progress
from local_stack import stack
from local_stack.services import processes, supervisor, training_jobs
from local_stack.settings import StackSettings
from retrain.launchers.job_queue import JobQueue, QueuedJob

DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)"
)
SUPERVISOR = (sys.executable, "-m", "retrain.launchers.supervisor")
WAITING = 20


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[StackSettings]:
    """Have a job at work that is deaf, twenty more that wait, and a program of the stack."""
    settings = StackSettings(state_dir=tmp_path / "state")
    queue = JobQueue(settings.jobs_dir)
    for number in range(1 + WAITING):
        command = [sys.executable, "-c", DEAF, f"job-{number}"]
        queue.add(QueuedJob(f"job-{number}", command, {}, 60))
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    processes.start(
        (*SUPERVISOR, str(settings.jobs_dir)),
        environment=environment,
        log=tmp_path / "supervisor.log",
        record=tmp_path / "supervisor.json",
        digest="d",
    )
    processes.start(
        (sys.executable, "-c", "import time; time.sleep(60)"),
        environment=environment,
        log=supervisor.log_path(settings, "bridge"),
        record=supervisor.record_path(settings, "bridge"),
        digest="d",
    )
    log = settings.jobs_dir / "job-0.log"
    deadline = time.monotonic() + 20
    while not (log.exists() and "up" in log.read_text()):
        assert time.monotonic() < deadline, (tmp_path / "supervisor.log").read_text()
        time.sleep(0.01)
    yield settings
    training_jobs.stop_all(settings.jobs_dir)


def processes_of(settings: StackSettings) -> list[psutil.Process]:
    processes = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                {str(settings.jobs_dir), "job-0", "job-1"} & set(process.cmdline())
            ):
                processes.append(process)
        except psutil.Error:
            continue
    return processes


def test_a_stop_ends_the_job_at_work_and_starts_none_that_waits(settings: StackSettings) -> None:
    assert len(processes_of(settings)) == 2
    console = Console(file=io.StringIO(), width=200)

    began = time.monotonic()
    ended = stack.down(settings, Progress(console))

    assert time.monotonic() - began < 15
    assert ended == ["job job-0", "bridge"]
    assert processes_of(settings) == []
    assert len(training_jobs.waiting(settings.jobs_dir)) == WAITING
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert f"stopping training job job-0  {WAITING} more wait" in said
    assert "stopping bridge" in said


def test_a_clean_forgets_the_queue_as_well(settings: StackSettings) -> None:
    console = Console(file=io.StringIO(), width=200)

    stack.delete(settings, Progress(console))

    assert processes_of(settings) == []
    assert not settings.state_dir.exists()
    assert isinstance(console.file, io.StringIO)
    assert "deleting its data" in console.file.getvalue()


def test_a_process_that_has_the_id_of_a_supervisor_that_is_gone_is_left_alone(
    tmp_path: Path,
) -> None:
    queue = JobQueue(tmp_path)
    queue.folder.mkdir(parents=True)
    queue.supervisor.write_text(str(os.getpid()))

    assert training_jobs.stop_all(tmp_path) == []


@pytest.mark.parametrize("content", ["", "none", "99999999"])
def test_a_supervisor_that_cannot_be_known_is_none(tmp_path: Path, content: str) -> None:
    queue = JobQueue(tmp_path)
    queue.folder.mkdir(parents=True)
    queue.supervisor.write_text(content)

    assert training_jobs.stop_all(tmp_path) == []
