"""``make monitoring`` says what is missing; tests/integration has it run."""

from pathlib import Path

import pytest

from housing_ops.progress import Progress
from local_stack import monitoring
from local_stack.errors import MissingProgramError, StackError
from local_stack.settings import StackSettings

NAMES = ("yace", "prometheus", "alertmanager")


def test_without_a_stack_it_says_to_bring_one_up(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="start it first, with make run"):
        monitoring.up(StackSettings(state_dir=tmp_path), Progress())


def test_what_is_missing_is_said_with_how_to_get_it(tmp_path: Path) -> None:
    away = tmp_path / "away"
    settings = StackSettings(yace=away, prometheus=away, alertmanager=away)

    with pytest.raises(MissingProgramError) as caught:
        monitoring.programs(settings)

    said = str(caught.value)
    for word in ("Go 1.25", "apt-get", "prometheus-alertmanager", "HOUSING_ALERTMANAGER=path"):
        assert word in said


def test_a_program_that_is_named_is_taken(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    settings = StackSettings(yace=program, prometheus=program, alertmanager=program)

    assert monitoring.programs(settings) == dict.fromkeys(NAMES, program)
