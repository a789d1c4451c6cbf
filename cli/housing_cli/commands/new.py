"""``housing new``: a subject from a CSV."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from housing_cli.output import JsonOption, console, print_json


def new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits, underscores.")],
    *,
    file: Annotated[Path, typer.Option("--from", help="A CSV of the table.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    task: Annotated[
        Literal["regression", "classification"] | None,
        typer.Option(help="Kind of prediction; by default a target of two values is classified."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create the folder of a new table from a CSV, and list the assumptions."""
    from housing_cli.new.design import design
    from housing_cli.new.table import read_table
    from housing_cli.new.writing import check_name, write

    check_name(name)
    table = read_table(file)
    made = design(name, table, target, task)
    paths = write(name, made.subject, table, made.left_out)
    if as_json:
        facts = {"assumed": made.assumed, "left_out": made.left_out}
        kinds = {one.name: one.kind for one in made.subject.features}
        print_json(
            facts
            | {"rows": table.rows, "task": made.subject.task, "features": kinds}
            | {"paths": list(map(str, paths)), "target": asdict(made.subject.target)}
        )
        return
    out = console()
    features = len(made.subject.features)
    lines = [
        f"{table.rows:,} rows of {file}: {made.subject.task} of {target} by {features} features",
        *made.assumed,
        *(f"{column} is left out: {reason}" for column, reason in made.left_out.items()),
        *(f"wrote {path}" for path in paths),
        f"read it, correct it, then: make run SUBJECT={name} DATA={file}",
    ]
    for line in lines:
        out.print(line, soft_wrap=True, markup=False, highlight=False)
