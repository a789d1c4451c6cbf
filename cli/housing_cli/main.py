"""The entry point of ``housing``."""

import typer

from housing_cli.commands.changes import promote, resume, rollback
from housing_cli.commands.data import data_app
from housing_cli.commands.keys import keys_app
from housing_cli.commands.models import models
from housing_cli.commands.predict import predict
from housing_cli.commands.predictions import predictions_app
from housing_cli.commands.status import status
from housing_cli.commands.train import train
from housing_cli.commands.upload import upload
from housing_cli.output import ErrorReportingGroup
from housing_cli.services import Services

app = typer.Typer(
    cls=ErrorReportingGroup,
    name="housing",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Upload data, follow training jobs, list versions and ask for predictions.",
)
for command in (upload, status, models, rollback, promote, resume, predict, train):
    app.command()(command)
for group in (keys_app, predictions_app, data_app):
    app.add_typer(group)


def run() -> None:
    """Run the command line."""
    app(obj=Services())


if __name__ == "__main__":
    run()
