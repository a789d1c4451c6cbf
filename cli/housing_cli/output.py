"""How commands speak: tables and lines for people, JSON for scripts, one line for an error."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from housing_cli.errors import ApiRefusedError
from housing_cli.explaining import EXPLAINED, explain

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
