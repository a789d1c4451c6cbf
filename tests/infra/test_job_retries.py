"""What AWS Batch makes of each way in which an attempt of a job ends, by the template's rules.

https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html: the first rule of
which all conditions fit decides; where none does, the job is tried again.
"""

import re
from collections.abc import Iterator, Mapping

import pytest

from housing_ops.template import load
from infra.reading import TEMPLATE
from retrain.training.attempts import MOST_ATTEMPTS, ExitStatus

STRATEGY = load(TEMPLATE)["Resources"]["JobDefinition"]["Properties"]["RetryStrategy"]
RULES: list[dict[str, str]] = STRATEGY["EvaluateOnExit"]
SPOT = "Your Spot Task was interrupted."  # of ECS: its page on the reasons for which tasks stop


def action(*, exit_code: int | None = None, reason: str = "", status_reason: str = "") -> str:
    """Return what Batch does after an attempt that is not the last one."""
    facts = {
        "OnExitCode": "" if exit_code is None else str(exit_code),
        "OnReason": reason,
        "OnStatusReason": status_reason,
    }
    fitting = (rule["Action"] for rule in RULES if all(fits(rule, facts)))
    return next(fitting, "RETRY")


def fits(rule: Mapping[str, str], facts: Mapping[str, str]) -> Iterator[bool]:
    for name, pattern in rule.items():
        if name != "Action":
            start, star, _ = pattern.partition("*")
            yield facts[name].startswith(start) if star else facts[name] == pattern


ACTIONS = {
    ExitStatus.REGISTERED: None,  # a success: the rules are not asked
    ExitStatus.NOT_REGISTERED: "EXIT",
    ExitStatus.STOPPED: "RETRY",
}


@pytest.mark.parametrize("status", ExitStatus)
def test_each_exit_status_of_the_program_is_decided(status: ExitStatus) -> None:
    wanted = ACTIONS[status]

    if wanted:
        assert action(exit_code=status, status_reason="Essential container exited") == wanted


@pytest.mark.parametrize("exit_code", [None, ExitStatus.STOPPED, 137])
def test_an_interruption_of_spot_is_tried_again(exit_code: int | None) -> None:
    assert action(exit_code=exit_code, status_reason=SPOT) == "RETRY"


def test_a_machine_or_an_image_that_fails_is_tried_again() -> None:
    assert action(reason="CannotPullContainerError: the registry is away") == "RETRY"
    assert action(exit_code=139, reason="") == "RETRY"


def test_the_rules_are_such_as_batch_takes() -> None:
    forms = {
        "Action": r"EXIT|RETRY",
        "OnExitCode": r"[0-9]+\*?|\*",
        "OnReason": r"[A-Za-z0-9.:\s]*\*?",
        "OnStatusReason": r"[A-Za-z0-9.:\s]*\*?",
    }

    assert 1 <= len(RULES) <= 5
    for rule in RULES:
        assert len(rule) >= 2
        assert [name for name, text in rule.items() if not re.fullmatch(forms[name], text)] == []


def test_the_program_knows_how_many_attempts_there_are() -> None:
    assert STRATEGY["Attempts"] == MOST_ATTEMPTS
