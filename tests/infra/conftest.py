"""What ``sam build`` makes, once for each processor, whichever files and workers want it."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT

Built = Callable[[str], Path]
_PYENV = sorted((Path.home() / ".pyenv/versions").glob("3.13*/bin/python3.13"))


@pytest.fixture(scope="session")
def built_for(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build for a processor, arm64 or x86_64; return the folder."""
    if shutil.which("python3.13") is None and not _PYENV:
        pytest.skip("sam build chooses wheels with the runtime's own Python 3.13: it is not here")
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def built(architecture: str) -> Path:
        folder, done = root / "sam" / architecture, root / f"sam-{architecture}-done"
        with (root / f"sam-{architecture}-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                _build(architecture, folder)
                done.touch()
        return folder

    return built


def _build(architecture: str, folder: Path) -> None:
    done = subprocess.run(
        [str(CHECKOUT / "infra/build"), architecture, str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
