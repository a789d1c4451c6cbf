"""Processes that fit independent parts of a model side by side.

Two threads of one fit wait for each other at every tree; two fits do not. A part has the same bits
wherever it is fitted. Only pipes connect the processes: semaphores need ``/dev/shm``, which not
every container has.
"""

import io
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Pipe
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from threadpoolctl import threadpool_limits
from typing_extensions import override

from retrain.training.dataset.mapped import ArrayFiles, opened, release, scratch
from retrain.training.errors import WorkerDiedError
from retrain.training.model.engines.engine import EngineName
from retrain.training.model.machine import processors, tasks_in_memory

_MODEL = "retrain.training.model"
_PROGRAM = f"{_MODEL}.worker"
_NOT_RUN = (False, None)


class Task:
    """A call that a process runs, and its result."""

    def __init__(self, run_others: Callable[["Task"], None], call: tuple[Any, ...]) -> None:
        self._run_others = run_others
        self.call = call
        self.is_done = threading.Event()
        self.outcome: tuple[bool, Any] = _NOT_RUN

    def run(self) -> None:
        """Run the task in this process."""
        function, *arguments = self.call
        with threadpool_limits(1):
            try:
                self.end(is_value=True, value=function(*arguments))
            except Exception as exc:  # noqa: BLE001 - raised by ``get``
                self.end(is_value=False, value=exc)

    def end(self, *, is_value: bool, value: Any) -> None:
        """Keep the result or the exception."""
        self.call = ()
        self.outcome = (is_value, value)
        self.is_done.set()

    def get(self) -> Any:
        """Return the result, or raise the task's exception.

        Raises:
            WorkerDiedError: The task's process ended without a result.
        """
        self._run_others(self)
        self.is_done.wait()
        is_value, value = self.outcome
        if not is_value:
            raise value
        return value


class TaskRunner(Protocol):
    """Port: runs functions of a module in any order, each on one thread."""

    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:
        """Start a task, or queue it."""
        ...

    def limit(self, task_bytes: int) -> None:
        """Run as many of the following tasks at once as the memory holds."""
        ...

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array that tasks read without a copy of their own, if it is large."""
        ...

    def share(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array, or a copy that tasks read as one of ``empty``."""
        ...


class InThisProcess(TaskRunner):
    """Runs each task at its start."""

    @override
    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:
        task = Task(lambda _: None, (function, *arguments))
        task.run()
        return task

    @override
    def limit(self, task_bytes: int) -> None:
        """Ignore the memory: tasks run one after another."""

    @override
    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        return scratch(shape, dtype)

    @override
    def share(self, array: NDArray[Any]) -> NDArray[Any]:
        return array


class WorkerProcesses(TaskRunner):
    """This process and some more, alive for a block.

    A thread hands tasks to each of the others; this process takes one whenever it waits for a
    result.
    """

    def __init__(self, more: int, modules: Sequence[str] = ()) -> None:
        """Keep the number of processes beside this one, and the modules that they import first."""
        self._more, self._modules = more, modules
        self._workers: list[_Worker] = []
        self._queued: deque[Task] = deque()
        self._changed = threading.Condition()
        self._arrays = ArrayFiles()

    def __enter__(self) -> Self:
        """Start the processes, which import their modules meanwhile."""
        self._workers = [
            _Worker(self._next, self._arrays, self._modules) for _ in range(self._more)
        ]
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Kill the processes, whatever they do: they hold nothing that must be put right."""
        self._queued.clear()
        self._keep(0)
        self._arrays.close()

    @override
    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:
        task = Task(self._run_until, (function, *arguments))
        with self._changed:
            self._queued.append(task)
            self._changed.notify()
        return task

    @override
    def limit(self, task_bytes: int) -> None:
        self._keep(tasks_in_memory(task_bytes, most=1 + len(self._workers)) - 1)

    @override
    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        return self._arrays.empty(shape, dtype) if self._workers else scratch(shape, dtype)

    @override
    def share(self, array: NDArray[Any]) -> NDArray[Any]:
        if not self._workers:
            return array
        copy = self.empty(array.shape, array.dtype)
        copy[...] = array
        release(copy)
        return copy

    def _keep(self, count: int) -> None:
        """End the processes beyond a number."""
        ended, self._workers = self._workers[count:], self._workers[:count]
        for worker in ended:
            worker.kill()
        with self._changed:
            self._changed.notify_all()
        for worker in ended:
            worker.thread.join()

    def _next(self, worker: "_Worker") -> Task | None:
        """Return the next task of a worker; wait for one. None where the worker has to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queued or worker.is_over)
            return None if worker.is_over else self._queued.popleft()

    def _run_until(self, wanted: Task) -> None:
        """Run queued tasks in this process until one has ended or is run elsewhere."""
        while not wanted.is_done.is_set():
            with self._changed:
                if not self._queued:
                    return
                task = self._queued.popleft()
            task.run()


class _Worker:
    """Another process, and the thread of this one that hands tasks to it."""

    def __init__(
        self,
        next_task: Callable[["_Worker"], Task | None],
        arrays: ArrayFiles,
        modules: Sequence[str],
    ) -> None:
        self.is_over = False
        self._arrays = arrays
        self._next_task = next_task
        self._connection, theirs = Pipe()
        # Nobody writes into this pipe: it ends when this process does.
        alive, self._alive = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", _PROGRAM, str(theirs.fileno()), str(alive), *modules],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), alive),
        )
        theirs.close()
        os.close(alive)
        self.thread = threading.Thread(target=self._hand_over, name="worker", daemon=True)
        self.thread.start()

    def kill(self) -> None:
        """End the process now, and then the thread."""
        self.is_over = True
        self._process.kill()

    def _hand_over(self) -> None:
        """Run tasks in the process; a task whose process dies ends with an error."""
        with self._connection:
            while task := self._next_task(self):
                try:
                    task.end(**self._answer(task.call))
                except (OSError, EOFError):
                    self._process.wait()
                    task.end(is_value=False, value=WorkerDiedError(_end_of(self._process)))
        self._process.kill()
        self._process.wait()
        os.close(self._alive)

    def _answer(self, call: tuple[Any, ...]) -> dict[str, Any]:
        pickled = io.BytesIO()
        _CallPickler(pickled, self._arrays).dump(call)
        self._connection.send_bytes(pickled.getbuffer())
        del pickled
        is_value, value = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - our own
        return {"is_value": is_value, "value": value}


class _CallPickler(pickle.Pickler):
    """Pickles arrays that are in files as their paths."""

    def __init__(self, file: io.BytesIO, arrays: ArrayFiles) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._arrays = arrays

    @override
    def reducer_override(self, value: Any) -> Any:
        path = self._arrays.path_of(value) if isinstance(value, np.memmap) else None
        return NotImplemented if path is None else (opened, (path, value.dtype, value.shape))


def _end_of(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def worker_processes(count: int | None, engine: EngineName) -> WorkerProcesses:
    """Return processes for the parts of a fit, this one included.

    Args:
        count: Their number; by default that of the processors.
        engine: The library that grows the trees, which each of them imports.
    """
    modules = [f"{_MODEL}.fit", f"{_MODEL}.engines.{engine.replace('-', '_')}"]
    return WorkerProcesses((count or processors()) - 1, modules)
