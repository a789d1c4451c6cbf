"""Independent parts of a fit in processes of their own: same bits, clear failures, no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fakes.tables import housing_table
from retrain.training.dataset import mapped
from retrain.training.dataset.rows import Rows
from retrain.training.errors import TooFewRowsError, WorkerDiedError
from retrain.training.graph.export import export
from retrain.training.model.engines.engine import EngineName
from retrain.training.model.families.spatial import spatial_rmse
from retrain.training.model.fit import fit
from retrain.training.model.machine import available_bytes, processors, tasks_in_memory
from retrain.training.model.workers import InThisProcess, TaskRunner, WorkerProcesses
from retrain.training.settings import TrainingSettings

ROWS = Rows.of(housing_table(400).to_numpy())
HUGE = 1 << 60
_SECONDS = 60.0
PARENT = """
import sys, time
from pathlib import Path
from retrain.training.model.workers import WorkerProcesses
from unit.retrain.model.test_workers import stay
with WorkerProcesses(1) as workers:
    workers.start(stay, Path(sys.argv[1]))
    time.sleep(600)
"""


def awaited(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def stay(pid_file: Path) -> None:
    """Write the process's id, then compute for long."""
    part = pid_file.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.rename(pid_file)
    time.sleep(600)


def die(pid_file: Path) -> None:
    pid_file.write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)


def too_few() -> None:
    msg = "too few"
    raise TooFewRowsError(msg)


def pid_of_worker(workers: TaskRunner, folder: Path) -> int:
    """Start a long task in another process and return its id: only a wait runs one here."""
    pid_file = folder / "pid"
    workers.start(stay, pid_file)
    assert awaited(pid_file.exists)
    return int(pid_file.read_text())


@pytest.mark.parametrize("engine", ["scikit-learn", "lightgbm"])
def test_a_model_has_the_same_bits_on_one_and_two_processes(engine: EngineName) -> None:
    recipe = TrainingSettings(
        bucket="b", tracking_uri="http://r.test", engine=engine, iterations=12, max_leaves=8
    ).recipe()

    with WorkerProcesses(1) as workers:
        by_two = export(fit(ROWS, recipe, workers=workers))
        regions = spatial_rmse(ROWS, recipe, workers)

    assert by_two == export(fit(ROWS, recipe))
    assert regions == spatial_rmse(ROWS, recipe)


@pytest.mark.parametrize("more", [0, 1])
def test_a_model_has_the_same_bits_when_its_arrays_are_in_files(
    monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    recipe = TrainingSettings(
        bucket="b", tracking_uri="http://r.test", iterations=12, max_leaves=8
    ).recipe()
    in_memory = export(fit(ROWS, recipe))
    monkeypatch.setattr(mapped, "LEAST_BYTES", 1)
    monkeypatch.setattr(mapped, "_PIECE_BYTES", 1_000)

    with WorkerProcesses(more) as workers:
        in_files = export(fit(ROWS, recipe, workers=workers))

    assert in_files == in_memory


def test_each_process_runs_tasks() -> None:
    with WorkerProcesses(1) as workers:
        results = [workers.start(os.getpid) for _ in range(3)]
        first = workers.start(time.sleep, 0)
        pids: set[Any] = {one.get() for one in results}
        first.get()
        while len(pids) == 1:  # the other process is still importing
            pids.add(workers.start(os.getpid).get())

    assert os.getpid() in pids
    assert len(pids) == 2


@pytest.mark.parametrize("workers", [InThisProcess(), WorkerProcesses(0)])
def test_without_other_processes_all_tasks_run_in_this_one(workers: TaskRunner) -> None:
    assert workers.start(os.getpid).get() == os.getpid()


@pytest.mark.parametrize("more", [0, 1])
def test_an_error_of_a_task_is_raised_by_its_result(more: int) -> None:
    with WorkerProcesses(more) as workers:
        result = workers.start(too_few)

        with pytest.raises(TooFewRowsError, match="too few"):
            result.get()


def test_a_process_that_dies_is_an_error_with_its_reason(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with WorkerProcesses(1) as workers:
        result = workers.start(die, pid_file)
        assert awaited(pid_file.exists)  # the other process has taken it

        with pytest.raises(WorkerDiedError, match="ended by signal SIGKILL") as raised:
            result.get()

    assert "HOUSING_TRAINING_PROCESSES=1" in raised.value.next_step


def test_the_end_of_the_block_ends_processes_within_their_tasks(tmp_path: Path) -> None:
    with WorkerProcesses(1) as workers:
        pid = pid_of_worker(workers, tmp_path)

    assert not psutil.pid_exists(pid)


def test_a_process_ends_with_a_parent_that_is_killed_within_a_task(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(pid_file)], env=environment)
    assert awaited(pid_file.exists)
    worker = psutil.Process(int(pid_file.read_text()))

    parent.kill()
    parent.wait()

    assert awaited(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_no_semaphore_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(38, "no /dev/shm")

    monkeypatch.setattr("_multiprocessing.SemLock", refuse)

    with WorkerProcesses(1) as workers:
        assert workers.start(int, "7").get() == 7


def test_processes_that_the_memory_does_not_hold_are_ended(tmp_path: Path) -> None:
    with WorkerProcesses(1) as workers:
        pid = pid_of_worker(workers, tmp_path)

        workers.limit(HUGE)

        assert not psutil.pid_exists(pid)
        assert workers.start(os.getpid).get() == os.getpid()


def test_as_many_tasks_run_as_the_memory_holds() -> None:
    available = available_bytes()
    assert available is not None

    assert tasks_in_memory(1, most=4) == 4
    assert tasks_in_memory(HUGE, most=4) == 1
    assert tasks_in_memory(int(available * 0.4), most=4) == 2


@pytest.mark.parametrize(
    ("limit", "free"), [("1000000", 400_000), ("max", 2_048_000), (None, 2_048_000)]
)
def test_the_free_memory_is_that_of_machine_and_container(
    tmp_path: Path, limit: str | None, free: int
) -> None:
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 9000 kB\nMemAvailable:    2000 kB\n")
    (tmp_path / "memory.current").write_text("600000\n")
    if limit:
        (tmp_path / "memory.max").write_text(f"{limit}\n")

    assert available_bytes(memory, tmp_path) == free


def test_where_no_memory_is_known_there_is_no_limit(tmp_path: Path) -> None:
    assert available_bytes(tmp_path / "none", tmp_path) is None


def test_there_is_at_least_one_processor() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
