"""Start AWS's runtime client for a function, with few of its sandboxes at a time.

The local endpoint starts a sandbox for each of many events at once, and each must be ready within
40 s. Thirty that import side by side take longer on a busy machine, and all fail; a few at a time
succeed, and events of failed ones are retried in those that are ready. This file is part of each
package and runs in the functions' environment: it imports nothing first-party.
"""

import contextlib
import fcntl
import importlib
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def turn(folder: Path, name: str, *, at_once: int) -> Iterator[None]:
    """Wait for one of ``at_once`` locks of this name, and hold it in the block."""
    paths = [folder / f"{name}.starting-{number}" for number in range(at_once)]
    descriptors = [os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for path in paths]
    try:
        while not any(_is_locked_now(descriptor) for descriptor in descriptors):
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def main(client: str, handler: str) -> None:
    """Import the runtime client and a handler under a lock, then run the client."""
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    folder = Path(tempfile.gettempdir())
    with (
        turn(folder, name, at_once=os.cpu_count() or 1),
        contextlib.suppress(Exception),  # the client reports a handler's fault itself
    ):
        importlib.import_module(f"{client}.bootstrap")
        importlib.import_module(handler.rpartition(".")[0].replace("/", "."))
    sys.argv = [client, handler]
    runpy.run_module(client, run_name="__main__", alter_sys=True)


def _is_locked_now(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
