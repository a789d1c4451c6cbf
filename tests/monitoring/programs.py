"""Programs of Prometheus that tests run, and how to get them."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
}


def program(name: str) -> str:
    """Return where a program is; skip the test, and say why, where there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; it is in Debian's package {PACKAGES[name]}")
    return path


def run(name: str, *arguments: str) -> str:
    """Run a program and return what it says; fail with it where it fails."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, check=False, timeout=110
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6_000:]
    return said
