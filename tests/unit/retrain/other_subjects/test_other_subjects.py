"""The training of subjects without geography: a process has one subject, so each has its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
CASES = Path(__file__).with_name("cases.py")


@pytest.mark.parametrize("subject", ["points", "yes_no"])
def test_a_model_of_any_subject_is_made_proved_judged_and_registered(subject: str) -> None:
    environment = os.environ | {
        "HOUSING_SUBJECT": subject,
        "HOUSING_SUBJECTS_DIR": str(ROOT / "tests/subjects_under_test"),
    }

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", CASES],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-2_000:]
