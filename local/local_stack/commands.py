"""The commands of ``python -m local_stack``."""

import typer
from rich.console import Console

from housing_ops.progress import Progress
from local_stack import report, stack
from local_stack.monitoring import start
from local_stack.settings import StackSettings

app = typer.Typer(
    help="The stack on one machine: up|monitor|down|status|logs|clean.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> None:
    """Start or repair the stack, and test it with a prediction."""
    settings, progress = StackSettings.of_stack(), Progress()
    deployment, prediction = stack.up(settings, progress)
    report.welcome(progress.console, settings, deployment, prediction)
    report.open_page(settings)


@app.command()
def monitor() -> None:
    """Start or repair YACE, Prometheus and Alertmanager beside the stack."""
    settings, progress = StackSettings.of_stack(), Progress()
    with stack.only_one(settings):
        start.up(settings, progress)
    report.monitoring(progress.console, settings)


@app.command()
def down() -> None:
    """Stop the stack's programs; their data remains."""
    settings = StackSettings.of_stack()
    with stack.only_one(settings):
        stopped = stack.down(settings, Progress())
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status() -> None:
    """Show the services; exit status 1 unless all of the stack runs."""
    if not report.status(Console(highlight=False, soft_wrap=True), StackSettings.of_stack()):
        raise typer.Exit(1)


@app.command()
def logs(lines: int = 40) -> None:
    """Print the last lines of each service, job and function."""
    report.logs(Console(highlight=False, soft_wrap=True), StackSettings.of_stack(), lines)


@app.command()
def clean() -> None:
    """Stop the stack and delete its data."""
    stopped = stack.delete(StackSettings.of_stack(), Progress())
    typer.echo(f"stopped: {', '.join(stopped)}; data deleted" if stopped else "data deleted")
