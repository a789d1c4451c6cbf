"""Holds for all tests, and for the processes that they start.

MLflow's client reports nothing to anybody: its telemetry is a thread that changes the environment,
which breaks whoever reads that meanwhile. OpenMP keeps to one thread: two of them on cores that are
busy with another test wait for each other, which makes a fit of one second take fifty. SIGINT ends
what is tested even where a shell that started pytest in the background has it ignored. The count
of the faults is said here, because xdist's controller loads no other conftest. A call of AWS that
the product makes and ``permissions.calls`` does not have fails its test: it may be refused on AWS.
"""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from faults.summary import pytest_terminal_summary
from permissions.judging import unknown_of
from permissions.recorder import Recorder
from scheduling import scheduling

__all__ = ["pytest_terminal_summary"]

_CALLS = Recorder()
_CALLS.listen()

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # MLflow reads it when it is imported
os.environ["OMP_NUM_THREADS"] = "1"  # read when scikit-learn is imported

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # without xdist there is no such hook
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Have folders that share what they start run on one worker."""
    return scheduling(config, log)


@pytest.fixture(autouse=True)
def calls_of_aws() -> Iterator[Recorder]:
    """Yield the recorder of the calls of AWS; what it has at the end has to be in the table."""
    yield _CALLS
    assert unknown_of(_CALLS.taken()) == []
