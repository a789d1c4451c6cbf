"""The program that installs an environment: hashes are checked, and it says how far it is."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT

PROGRAM = runpy.run_path(str(CHECKOUT / "requirements/install.py"))


@pytest.fixture
def progress() -> Any:
    return PROGRAM["Progress"]("local", 3)


def test_packages_in_pips_output_are_counted(progress: Any) -> None:
    for line in (
        "Collecting numpy==2.4.6 (from -r requirements/local.txt (line 3))",
        "  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.5 MB)",
        "Collecting six==1.17.0 (from -r requirements/local.txt (line 9))",
        "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)",
        "Installing collected packages: six, numpy",
    ):
        progress.read(line)

    assert str(progress) == "  … environment local: 2 of 3 packages, 17 MB"


def test_packages_in_uvs_output_are_counted_once(progress: Any) -> None:
    for line in (
        "Downloading pyarrow (46.2MiB)",
        "Downloading mlflow (9.8MiB)",
        " Downloaded mlflow",
        "Prepared 3 packages in 2.31s",
        " + mlflow==3.17.2",
        " + pyarrow==25.0.0",
    ):
        progress.read(line)

    assert str(progress) == "  … environment local: 2 of 3 packages, 56 MB"


@pytest.mark.parametrize("uv", [None, ".venvs/uv/bin/uv"])
def test_either_installer_checks_hashes_and_takes_the_list_as_whole(uv: str | None) -> None:
    command = PROGRAM["command"](Path("list.txt"), Path("env"), uv)

    assert command[0] == (uv or "env/bin/python")
    assert {"--require-hashes", "--no-deps"} <= set(command)
    assert command[-2:] == ["--requirement", "list.txt"]


def test_an_installer_that_fails_is_shown_with_its_last_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    packages, python = tmp_path / "list.txt", tmp_path / "env/bin/python"
    packages.write_text("six==1.17.0\n")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho hash mismatch >&2\nexit 7\n")
    uv.chmod(0o755)

    assert PROGRAM["install"]("local", packages, tmp_path / "env", str(uv)) == 7

    assert capfd.readouterr().err == "hash mismatch\n"
