"""The entry point imports a command's libraries when the command runs, not before."""

import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from textwrap import dedent
from typing import Any, get_args

import pytest
from typer.main import get_command

from housing.api_keys import Scope
from housing_cli.commands.keys import ScopeName
from housing_cli.main import EXAMPLES, app

HEAVY = ("boto3", "botocore", "httpx", "numpy", "pandas", "pydantic", "retrain", "sklearn")
LOADED = f"import sys, housing_cli.main; print(*sorted(sys.modules.keys() & {set(HEAVY)}))"


def test_help_loads_no_library_of_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == []


def test_the_scopes_of_the_option_are_those_of_the_keys() -> None:
    assert get_args(ScopeName) == tuple(Scope)


@pytest.mark.parametrize("arguments", [("--help",), ("promote",), ("data", "describe", "--help")])
def test_usage_lines_begin_with_the_commands_name(arguments: tuple[str, ...]) -> None:
    done = ran("-m", "housing_cli", *arguments)

    assert "Usage: housing" in done.stdout + done.stderr


def test_the_version_is_the_distributions() -> None:
    assert ran("-m", "housing_cli", "--version").stdout == f"housing {version('housing-mlops')}\n"


def test_a_shell_completes_commands() -> None:
    done = ran(
        *("-m", "housing_cli"),
        _HOUSING_COMPLETE="complete_bash",
        COMP_WORDS="housing ro",
        COMP_CWORD="1",
    )

    assert done.stdout.split() == ["rollback"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_the_help_is_a_command_with_its_options(name: str) -> None:
    shown = " ".join(ran("-m", "housing_cli", name, "--help", COLUMNS="300").stdout.split())

    for line in EXAMPLES[name]:
        assert line in shown
        if not line.startswith("eval"):
            words = shlex.split(line)
            command: Any = get_command(app)
            assert words[0] == name
            command.commands[name].make_context(name, words[1:], resilient_parsing=True)


PROGRAMS = ("housing_cli", "local_stack")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("module", ["typer", "rich.console", "shutil"])
def test_an_interrupt_during_the_imports_prints_nothing(program: str, module: str) -> None:
    code = f"""
        import builtins, os, runpy, signal, sys
        imported = builtins.__import__
        def interrupting(name, *arguments, **options):
            if name == {module!r}:
                builtins.__import__ = imported
                os.kill(os.getpid(), signal.SIGINT)
            return imported(name, *arguments, **options)
        builtins.__import__ = interrupting
        sys.argv = [{program!r}, "--help"]
        runpy.run_module({program!r}, run_name="__main__")
    """

    done = ran("-c", dedent(code))

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
