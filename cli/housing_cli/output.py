"""How commands speak: tables and lines for people, JSON for scripts, one line for an error."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.exceptions import ConnectionError as EndpointError
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from housing.errors import HousingError, JobNotFoundError, ObjectError, RegistryUnavailableError
from housing_cli.errors import ApiRefusedError, ApiUnreachableError, CliError
from housing_ops.key_ring import UnknownKeyError

_PIPED_WIDTH = 200
_JSON_ASKED = "housing_cli.json"


def _remember_json(context: typer.Context, asked: bool) -> bool:  # noqa: FBT001 - typer calls it
    context.meta[_JSON_ASKED] = asked
    return asked


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON for scripts.", callback=_remember_json)
]


class ErrorReportingGroup(TyperGroup):
    """Commands whose expected errors end as one line, and as JSON where that was asked for."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit with 1 if it failed."""
        try:
            return super().invoke(ctx)
        except EXPLAINED as exc:
            problem = exc.problem if isinstance(exc, ApiRefusedError) else {}
            fail(ctx, explain(exc), problem=problem)


def fail(context: typer.Context, reason: str, **facts: Any) -> NoReturn:
    """Say why on stderr, and in JSON on stdout if that was asked for; exit with 1."""
    console(stderr=True).print(Text.assemble(("error: ", "bold red"), reason), soft_wrap=True)
    if context.meta.get(_JSON_ASKED):
        print_json({"error": reason, **{name: fact for name, fact in facts.items() if fact}})
    raise typer.Exit(1)


def console(*, stderr: bool = False) -> Console:
    """Return where lines and tables go; when that is no terminal, tables are wide and plain."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    return made if made.is_terminal else _wide(stderr=stderr)


def _wide(*, stderr: bool) -> Console:
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=_PIPED_WIDTH)


def print_json(document: Mapping[str, Any] | list[Any]) -> None:
    """Print a document as JSON; what JSON has no word for is written as text."""
    print(json.dumps(document, indent=2, default=str, ensure_ascii=False))


IS_IT_UP = "is the stack up? make status"

EXPLAINED = (CliError, HousingError, UnknownKeyError, BotoCoreError, ClientError, ValidationError)
"""Errors that ``explain`` has a line for; anything else is a defect of this program."""


def explain(error: Exception) -> str:
    """Return one line for one of the errors in ``EXPLAINED``."""
    match error:
        case ApiUnreachableError() | RegistryUnavailableError():
            line = f"{error}: {IS_IT_UP}"
        case JobNotFoundError():
            line = f"{error}: `housing status` lists the jobs there are"
        case ObjectError(__cause__=BotoCoreError() | ClientError() as cause):
            return explain(cause)
        case ClientError():
            line = _refused_by_aws(error)
        case NoCredentialsError() | NoRegionError():
            line = f"{error}: configure AWS, or run this in the checkout after `make run`"
        case EndpointError() | HTTPClientError():
            line = f"AWS cannot be reached ({error}): {IS_IT_UP}"
        case ValidationError():
            line = f"cannot make sense of {error.title}: {error.errors()[0]['msg']}"
        case _:
            line = str(error)
    return " ".join(line.split())


def _refused_by_aws(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "NoSuchBucket":
        return f"the bucket that HOUSING_BUCKET names does not exist; {IS_IT_UP}"
    return f"{error}: check the AWS settings and what the credentials may do"
