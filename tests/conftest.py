"""Holds for all tests, and for the processes that they start.

MLflow's client reports nothing to anybody: its telemetry is a thread that changes the environment,
which breaks whoever reads that meanwhile. OpenMP keeps to one thread: two of them on cores that are
busy with another test wait for each other, which makes a fit of one second take fifty. SIGINT ends
what is tested even where a shell that started pytest in the background has it ignored. The count
of the faults is said here, because xdist's controller loads no other conftest.
"""

import os
import signal

from faults.summary import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # MLflow reads it when it is imported
os.environ["OMP_NUM_THREADS"] = "1"  # read when scikit-learn is imported

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
