"""What ``make monitoring`` needs, and says where it is missing."""

from pathlib import Path

import pytest

from housing_ops.progress import Progress
from local_stack import monitoring
from local_stack.errors import MissingProgramError, StackError
from local_stack.settings import StackSettings

NAMES = ("yace", "prometheus", "alertmanager")


def settings(state_dir: Path, **programs: Path) -> StackSettings:
    return StackSettings(state_dir=state_dir, **programs)  # type: ignore[arg-type]


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_without_a_stack_there_is_nothing_to_monitor(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="start it first, with make run"):
        monitoring.up(settings(tmp_path), Progress())


def test_programs_that_are_named_are_taken(tmp_path: Path) -> None:
    named = {name: program(tmp_path, f"my-{name}") for name in NAMES}

    assert monitoring.programs(settings(tmp_path, **named)) == named


def test_programs_on_the_path_are_found_by_their_usual_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "BUILT_YACE", tmp_path / "not-built")
    made = [program(tmp_path, name) for name in NAMES]
    monkeypatch.setenv("PATH", str(tmp_path))

    assert list(monitoring.programs(settings(tmp_path)).values()) == made


def test_each_program_that_is_missing_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    named = {name: tmp_path / f"no-{name}" for name in NAMES}

    with pytest.raises(MissingProgramError) as caught:
        monitoring.programs(settings(tmp_path, **named))

    told = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in told[1:]] == list(NAMES)
    assert told[1].endswith("HOUSING_YACE=path")
