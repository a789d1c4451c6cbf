"""A terminal to type ``housing`` commands in."""

from typer.testing import CliRunner, Result

from housing_cli.main import app
from housing_cli.services import Services


class CommandLine:
    """Runs command lines of ``housing`` on services of one's own."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run one, and return what it said and its exit status."""
        return CliRunner().invoke(app, arguments, obj=self.services, input=stdin)
