"""``make monitoring``, and ``make stop`` after it; what is missing is said."""

from pathlib import Path

import pytest

from integration.running_stack import RunningStack, local_stack, processes_of
from local_stack import monitoring
from local_stack.errors import MissingProgramError, StackError
from local_stack.progress import Progress
from local_stack.settings import StackSettings

NAMES = ("yace", "prometheus", "alertmanager")


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_all_three_run_on_loopback_and_are_ended_with_the_stack(own_stack: RunningStack) -> None:
    stack = own_stack
    local_stack(stack.environment, "monitor")
    status = local_stack(stack.environment, "status").stdout
    up = {line.split()[0]: line.split()[2] for line in status.splitlines() if " up " in line}
    listening = {
        connection.laddr.ip
        for process in processes_of(stack.state_dir)
        for connection in process.net_connections(kind="inet")
        if connection.status == "LISTEN"
    }

    local_stack(stack.environment, "monitor")

    again = local_stack(stack.environment, "status").stdout
    assert set(NAMES) <= set(up)
    assert listening == {"127.0.0.1"}
    assert all(up[name] in again for name in NAMES), "a second make monitoring changes nothing"
    assert "prometheus, alertmanager, yace" in local_stack(stack.environment, "down").stdout
    assert processes_of(stack.state_dir) == []


def test_without_a_stack_it_says_to_bring_one_up(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="bring the stack up first, with make run"):
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
