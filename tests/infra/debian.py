"""Systems that debootstrap fetches from Debian, for tests that are asked for by a variable."""

import os
import shutil
import subprocess

import pytest


def needs(variable: str, target: str, *programs: str) -> None:
    """Skip a test, with the reason, where it was not asked for or a program is missing."""
    if not os.environ.get(variable):
        pytest.skip(f"it fetches a system from Debian: make {target}")
    if os.geteuid() != 0:
        pytest.skip("debootstrap wants root")
    for name in ("debootstrap", *programs):
        program(name)


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not here (Debian: debootstrap, qemu-user, util-linux)")
    return path


def bootstrap(*arguments: str) -> None:
    """Run debootstrap; skip the test where no package can be had."""
    done = subprocess.run(
        [program("debootstrap"), "--variant=minbase", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"debootstrap failed: {done.stdout[-300:]}{done.stderr[-300:]}")
