"""Programs of Prometheus that tests run, and how to get them."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PROMETHEUS_3 = CHECKOUT / ".tools" / "prometheus3"
"""Folder in which make prometheus3 builds the newest Prometheus and promtool."""
PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
}


def program(name: str) -> str:
    """Return where a program is; skip the test, and say why, where there is none."""
    path = shutil.which(name)
    if path is None:
        where = PACKAGES.get(name)
        how = f"it is in Debian's package {where}" if where else "make prometheus3 builds it"
        pytest.skip(f"{name} is not installed; {how}")
    return path


def run(name: str, *arguments: str) -> str:
    """Run a program and return what it says; fail with it where it fails."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, check=False, timeout=110
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6_000:]
    return said
