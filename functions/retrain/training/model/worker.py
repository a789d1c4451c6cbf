"""``python -m retrain.training.model.worker``: run the tasks that come through a pipe.

Started by ``workers.py`` with the numbers of two descriptors and the modules to import first.
"""

import importlib
import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from threadpoolctl import threadpool_limits


def main(tasks: int, alive: int, modules: list[str]) -> None:
    """Run tasks until the pipe ends; end with the parent, even within a task.

    Args:
        tasks: Descriptor of a connection: calls come in, their results go out.
        alive: Descriptor of a pipe that ends with the parent.
        modules: Modules to import before the first task.
    """
    # The parent decides what an interrupt or a stop of the job's processes means.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    for name in modules:
        with suppress(ImportError, OSError):  # the task that needs it raises it
            importlib.import_module(name)
    connection: Connection[Any, Any] = Connection(tasks)
    with threadpool_limits(1), suppress(EOFError):
        while True:
            connection.send_bytes(_outcome(connection.recv_bytes()))


def _outcome(call: bytes) -> bytes:
    """Return the pickled result or exception of a pickled call."""
    try:
        function, *arguments = pickle.loads(call)  # noqa: S301 - of our own process
        return pickle.dumps((True, function(*arguments)), pickle.HIGHEST_PROTOCOL)
    except Exception as exc:  # noqa: BLE001 - raised again in the parent
        return pickle.dumps((False, exc))


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
