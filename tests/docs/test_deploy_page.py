"""docs/deploy.md names what the program, the template and the stages have."""

import re
from typing import Any

import pytest
from typer.main import get_command

from housing_deploy.__main__ import app
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

PAGE = (CHECKOUT / "docs/deploy.md").read_text()


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load(CHECKOUT / "infra/template.yaml")


def options() -> dict[str, str]:
    """Return the variables that the program reads, and what each means."""
    commands = getattr(get_command(app), "commands", {}).values()
    all_options = [option for command in commands for option in command.params]
    return {str(option.envvar): str(option.help) for option in all_options if option.envvar}


def test_every_setting_is_listed_with_its_meaning() -> None:
    table = PAGE.split("| setting | meaning |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|$", table, re.MULTILINE))

    assert len(rows) > 8
    assert rows == options()


def test_every_output_that_is_asked_for_is_one(template: dict[str, Any]) -> None:
    asked = set(re.findall(r"output ([A-Z]\w+)\)", PAGE))

    assert len(asked) >= 4
    assert asked <= template["Outputs"].keys()


def test_every_parameter_that_is_given_is_one(template: dict[str, Any]) -> None:
    given = set(re.findall(r"\b([A-Z][a-z]+[A-Z]\w+)=(?!=)", PAGE))

    assert len(given) > 8
    assert given <= template["Parameters"].keys()


def test_the_signs_of_a_change_set_are_those_of_the_program() -> None:
    code = (CHECKOUT / "cli/housing_deploy/changes.py").read_text()

    for sign in re.findall(r"`([+~!?>-] [a-z ]+)`", PAGE):
        assert f'"{sign}"' in code, sign
