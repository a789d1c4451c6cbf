"""The entry point imports a command's libraries when the command runs, not before."""

import os
import subprocess
import sys
from typing import get_args

from housing.api_keys import Scope
from housing_cli.commands.keys import ScopeName

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
