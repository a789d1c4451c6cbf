"""Tests of another subject: they run in an interpreter of their own, as a process has one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from housing_ops.checkout import CHECKOUT

SUBJECTS = CHECKOUT / "tests/fakes/subjects"


def run_tests(file: Path, subject: str) -> None:
    """Run a file of tests with a subject of ``tests/fakes/subjects``."""
    environment = os.environ | {"HOUSING_SUBJECT": subject, "HOUSING_SUBJECTS_DIR": str(SUBJECTS)}
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--noconftest")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        cwd=CHECKOUT,
        env={name: value for name, value in environment.items() if "PYTEST" not in name},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]


_READING = """
import sys
from retrain.training.upload.check import check_csv
for problem in check_csv(sys.stdin.buffer.read()).problems:
    print(problem)
"""


def problems_of_rows(subject: str, lines: Sequence[str]) -> list[str]:
    """Return the problems of a CSV, its header first, as an upload of a subject is read."""
    paths = [str(CHECKOUT / path) for path in ("functions", "layers/shared")]
    done = subprocess.run(
        [sys.executable, "-c", _READING],
        input="\n".join(lines),
        env=os.environ | {"HOUSING_SUBJECT": subject, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.splitlines()
