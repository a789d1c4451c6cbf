"""``housing data``: generate, fetch and describe data files; change the data set."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housing_cli.commands.data_set import exclude, include, list_uploads
from housing_cli.data import DEFAULT_ROWS
from housing_cli.errors import DataFileError
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from housing_cli.data.describing import ColumnFacts, FileFacts

data_app = typer.Typer(
    name="data",
    no_args_is_help=True,
    help="Generate data files; list, exclude and include uploads.",
)
data_app.command("list")(list_uploads)
data_app.command()(exclude)
data_app.command()(include)

_SHOWN_LEVELS = 5
OutOption = Annotated[Path, typer.Option(help="The CSV to write.")]


@data_app.command()
def generate(
    *,
    out: OutOption,
    rows: Annotated[int, typer.Option(min=1, max=10_000_000)] = DEFAULT_ROWS,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """Generate invented rows with the columns and ranges of the table."""
    from housing_cli.data.sources import generate_to

    with console(stderr=True).status("generating"):
        sample = generate_to(out, rows=rows, seed=seed)
    facts = {"path": str(out), "rows": rows, "source": sample.source}
    _print(facts, f"wrote {rows:,} generated rows (seed {seed}) to {out}", as_json=as_json)


@data_app.command()
def fetch(*, out: OutOption, as_json: JsonOption = False) -> None:
    """Download the real data set, if the table has a program for it."""
    from housing_cli.data.sources import (
        FETCH_SECONDS,
        fetch_real,
        has_real,
        in_folder,
        real_source,
    )

    if not has_real():
        msg = f"this table has no program that fetches it: `housing data generate --out {out}`"
        raise DataFileError(msg)

    with console(stderr=True).status("fetching"):
        fetched = fetch_real(in_folder(out))
    if not fetched:
        msg = (
            f"could not fetch the data set within {FETCH_SECONDS:.0f} s: check the network, or "
            f"generate a sample with `housing data generate --out {out}`"
        )
        raise DataFileError(msg)
    _print({"path": str(out), "source": real_source()}, f"wrote {out}", as_json=as_json)


@data_app.command()
def describe(
    file: Annotated[Path, typer.Argument(help="A CSV with a header of the table.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Check a file as an upload would, and show its columns beside the schema's ranges."""
    from housing_cli.data.describing import describe as describe_file

    facts = describe_file(file)
    if as_json:
        print_json(asdict(facts))
    else:
        _show(facts)
    if facts.rejected:
        raise typer.Exit(1)


def _print(facts: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        console().print(line, soft_wrap=True)


def _show(facts: "FileFacts") -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    bad = f", {facts.bad_rows:,} of them bad" if facts.bad_rows else ""
    out.print(f"{facts.path}: {facts.rows:,} rows{bad}, {facts.header} header", soft_wrap=True)
    headings = ("column", "unit", "usual range", "minimum", "median", "maximum")
    counts = ("missing", "unusual", "impossible")
    table = Table(*headings, *counts, box=None, pad_edge=False)
    for column in facts.columns:
        table.add_row(*(Text(cell) for cell in _cells(column)))
    out.print(table)
    if facts.unknown_columns:
        names = ", ".join(name or "(no name)" for name in facts.unknown_columns)
        out.print(f"ignored columns: {names}", soft_wrap=True)
    for line in (*facts.remarks, *facts.problems):
        out.print(line, soft_wrap=True)
    verdict = f"rejected: {facts.rejected}" if facts.rejected else "accepted"
    out.print(f"an upload would be {verdict}", soft_wrap=True)


def _cells(column: "ColumnFacts") -> list[str]:
    usual = f"{column.usual_minimum:g} … {column.usual_maximum:g}"
    if column.levels is not None:
        names = list(column.levels)
        usual = ", ".join(names[:_SHOWN_LEVELS]) + (", …" if len(names) > _SHOWN_LEVELS else "")
    about = [column.name, column.unit, usual]
    numbers = (column.minimum, column.median, column.maximum)
    counts = (column.missing, column.unusual, column.impossible)
    return [
        *about,
        *("-" if number is None else f"{number:.6g}" for number in numbers),
        *(f"{count:,}" for count in counts),
    ]
