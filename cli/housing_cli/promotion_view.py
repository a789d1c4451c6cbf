"""A stop of automatic promotion as people see it."""

from rich.console import Console
from rich.text import Text

from housing.errors import ObjectError
from housing.registry.automatic_promotion import AutomaticPromotion
from housing_cli.api import Promotion, Resumed
from housing_cli.services import Services

Stop = AutomaticPromotion | Promotion


def stop_line(stop: Stop) -> Text | None:
    """Return the stop in a line, with the command that ends it; None where there is none."""
    if not stop.stopped:
        return None
    line = f"automatic promotion is stopped {_origin(stop)}: housing resume --reason …"
    return Text(line, style="yellow")


def ended_line(resumed: Resumed) -> str:
    """Return the end of a stop in a line."""
    if not resumed.changed:
        return "automatic promotion was not stopped: jobs promote"
    return f"jobs promote again; automatic promotion was stopped {_origin(resumed.before)}"


def show_stop(services: Services, people: Console) -> None:
    """Show the stop, if there is one; without a bucket to ask nothing is said."""
    bucket = services.settings.housing_bucket
    if bucket is None:
        return
    try:
        line = stop_line(services.promotion.load())
    except ObjectError as exc:
        line = Text(f"whether automatic promotion is stopped cannot be read: {exc}", style="yellow")
    if line:
        people.print(line, soft_wrap=True)


def _origin(stop: Stop) -> str:
    since = f"since {stop.since.astimezone():%Y-%m-%d %H:%M} " if stop.since else ""
    why = f" ({stop.why})" if stop.why else ""
    return f"{since}by {stop.who or 'unknown'}{why}"
