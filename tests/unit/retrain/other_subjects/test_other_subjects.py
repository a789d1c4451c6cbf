"""The training of subjects without geography: a process has one subject, so each has its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
FOLDER = Path(__file__).parent


@pytest.mark.parametrize("subject", ["points", "yes_no"])
def test_a_model_of_any_subject_is_made_proved_judged_and_registered(subject: str) -> None:
    run_cases("cases.py", subject, "tests/subjects_under_test")


def test_a_table_whose_rows_repeat_is_trained_on_and_grows() -> None:
    run_cases("repeats_cases.py", "passengers", "tests/fakes/subjects")


def run_cases(name: str, subject: str, subjects: str) -> None:
    environment = os.environ | {
        "HOUSING_SUBJECT": subject,
        "HOUSING_SUBJECTS_DIR": str(ROOT / subjects),
    }
    options = ("-q", "-p", "no:xdist", "-p", "no:cacheprovider")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, FOLDER / name],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-2_000:]
