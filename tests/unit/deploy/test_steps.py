"""Checks and build are make's own targets; they see nothing of the account, and stop what fails."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from housing_deploy.errors import StepError
from housing_deploy.steps import BUILT, build, check, package
from housing_ops.progress import Progress

MAKE = """#!/bin/sh
echo "make $* ${AWS_PROFILE:-nobody} ${HOUSING_API_KEY:-no key}" >>"$TOLD"
[ "$1" != "$BROKEN" ] || { echo "the reason"; exit 2; }
"""


@pytest.fixture
def make_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in the place of make; return what it was told."""
    program = tmp_path / "make"
    program.write_text(MAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path / "make_log"))
    monkeypatch.setenv("BROKEN", "nothing")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HOUSING_API_KEY", "secret")
    return tmp_path / "make_log"


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(file=io.StringIO()))


def test_checks_and_build_are_made_without_the_account(make_log: Path, progress: Progress) -> None:
    check(progress)
    built = build(progress, "x86_64")

    assert built == BUILT
    assert make_log.read_text().splitlines() == [
        "make lint nobody no key",
        "make test-unit nobody no key",
        "make build ARCH=x86_64 nobody no key",
    ]


def test_a_failed_step_is_an_error_with_its_last_lines(
    make_log: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "lint")

    with pytest.raises(StepError, match=r"the reason\nmake lint failed.*nothing was deployed"):
        check(progress)

    assert "test-unit" not in make_log.read_text()


def test_a_program_that_is_missing_is_named(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StepError, match=r"^make is missing; make deploy installs"):
        check(progress)


def test_a_step_over_its_time_limit_is_stopped(
    make_log: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_log.with_name("make").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("housing_deploy.steps._BUILD_SECONDS", 0.2)

    with pytest.raises(StepError, match="did not end within"):
        build(progress, "arm64")


def test_a_template_that_names_no_package_is_not_deployed(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = tmp_path / ".venvs/sam/bin/sam"
    sam.parent.mkdir(parents=True)
    sam.write_text(f"#!/bin/sh\necho 'Resources: {{}}' >{tmp_path}/packaged.yaml\n")
    sam.chmod(0o755)
    monkeypatch.setattr("housing_deploy.steps.CHECKOUT", tmp_path)

    with pytest.raises(StepError, match="names no package"):
        package(
            progress, tmp_path / "template.yaml", prefix="p", region="eu-west-1", environment={}
        )


def test_a_step_that_hangs_is_stopped_with_an_error(
    make_log: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    (make_log.parent / "make").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("housing_deploy.steps._BUILD_SECONDS", 0.2)

    with pytest.raises(StepError, match="make build ARCH=arm64 did not end within 0 s"):
        build(progress, "arm64")
