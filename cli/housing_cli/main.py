"""The entry point of ``housing``."""

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from housing_cli.commands.changes import promote, resume, rollback
from housing_cli.commands.data import data_app
from housing_cli.commands.keys import keys_app
from housing_cli.commands.models import models
from housing_cli.commands.new import new
from housing_cli.commands.pages import env, open_page
from housing_cli.commands.predict import example_option, predict
from housing_cli.commands.predictions import predictions_app
from housing_cli.commands.status import status
from housing_cli.commands.train import train
from housing_cli.commands.upload import upload
from housing_cli.output import ErrorReportingGroup
from housing_cli.services import Services

PROGRAM = "housing"
_DISTRIBUTION = "housing-mlops"
EXAMPLES = {
    "upload": ("upload more.csv --wait", "upload more.csv --name monday.csv"),
    "status": ("status", "status JOB --json"),
    "models": ("models", "models --history"),
    "rollback": ('rollback --reason "prices are odd"', 'rollback --to 3 --reason "known good"'),
    "promote": ('promote 4 --reason "checked by hand"',),
    "resume": ('resume --reason "the wrong rows are out"',),
    "predict": (f"predict {example_option()}", "predict --file rows.json --json"),
    "train": ("train --data more.csv --out model",),
    "new": ("new diamonds --from diamonds.csv --target price",),
    "open": ("open", "open docs", "open mlflow"),
    "env": ('eval "$(housing env)"',),
}
"""Lines to copy, at the end of each command's help."""

app = typer.Typer(
    cls=ErrorReportingGroup,
    name=PROGRAM,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Upload data, follow training jobs, list versions and ask for predictions.",
)


def _examples(name: str) -> str:
    lines = (line if line.startswith("eval") else f"{PROGRAM} {line}" for line in EXAMPLES[name])
    return "Examples: " + "  |  ".join(lines)


for command in (upload, status, models, rollback, promote, resume, predict, train, new, env):
    app.command(epilog=_examples(command.__name__))(command)
app.command("open", epilog=_examples("open"))(open_page)
for group in (keys_app, predictions_app, data_app):
    app.add_typer(group)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it
    if wanted:
        typer.echo(f"{PROGRAM} {version_of(_DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Upload data, follow training jobs, list versions and ask for predictions."""


def run() -> None:
    """Run the command line."""
    app(obj=Services(), prog_name=PROGRAM)


if __name__ == "__main__":
    run()
