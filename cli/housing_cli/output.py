"""Print tables and lines for people, JSON for scripts, one line for an error."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

_PIPED_WIDTH = 200
_JSON = "housing_cli.json"


def _remember_json(context: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - typer calls it
    context.meta[_JSON] = wanted
    return wanted


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON for scripts.", callback=_remember_json)
]


class ErrorReportingGroup(TyperGroup):
    """Print an expected error of a command as one line, and as JSON with --json."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit with 1 if it failed."""
        try:
            return super().invoke(ctx)
        except Exception as exc:
            from housing_cli.explaining import EXPLAINED, explain  # noqa: PLC0415 - loads botocore

            if not isinstance(exc, EXPLAINED):
                raise
            fail(ctx, explain(exc), problem=getattr(exc, "problem", {}))


def fail(context: typer.Context, reason: str, **facts: Any) -> NoReturn:
    """Print the reason to stderr, and as JSON to stdout with --json; exit with 1."""
    console(stderr=True).print(Text.assemble(("error: ", "bold red"), reason), soft_wrap=True)
    if context.meta.get(_JSON):
        print_json({"error": reason, **{name: fact for name, fact in facts.items() if fact}})
    raise typer.Exit(1)


def console(*, stderr: bool = False) -> Console:
    """Return the console for lines and tables; without a terminal, tables are wide and plain."""
    plain: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    terminal = Console(stderr=stderr, **plain)
    if terminal.is_terminal:
        return terminal
    return Console(stderr=stderr, width=_PIPED_WIDTH, **plain)


def print_json(document: Mapping[str, Any] | list[Any]) -> None:
    """Print a document as JSON; values without a JSON type are written as text."""
    print(json.dumps(document, indent=2, default=str, ensure_ascii=False))
