"""Lines about automatic promotion: stopped, or allowed again."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from housing.errors import ObjectError

if TYPE_CHECKING:
    from housing.registry.automatic_promotion import AutomaticPromotion
    from housing_cli.api import Promotion, Resumed
    from housing_cli.services import Services


def stop_line(stop: "AutomaticPromotion | Promotion") -> Text | None:
    """Return a line about the stop, with the command that ends it; None if there is no stop."""
    if not stop.stopped:
        return None
    line = f"automatic promotion is stopped {_origin(stop)}: housing resume --reason …"
    return Text(line, style="yellow")


def ended_line(resumed: "Resumed") -> str:
    """Return a line about the end of a stop."""
    if not resumed.changed:
        return "automatic promotion was not stopped"
    return f"automatic promotion is allowed again; it was stopped {_origin(resumed.before)}"


def show_stop(services: "Services", people: Console) -> None:
    """Print the stop, if there is one; does nothing without a bucket."""
    bucket = services.settings.housing_bucket
    if bucket is None:
        return
    try:
        line = stop_line(services.promotion.load())
    except ObjectError as exc:
        line = Text(f"cannot read the state of automatic promotion: {exc}", style="yellow")
    if line:
        people.print(line, soft_wrap=True)


def _origin(stop: "AutomaticPromotion | Promotion") -> str:
    since = f"since {stop.since.astimezone():%Y-%m-%d %H:%M} " if stop.since else ""
    why = f" ({stop.why})" if stop.why else ""
    return f"{since}by {stop.who or 'unknown'}{why}"
