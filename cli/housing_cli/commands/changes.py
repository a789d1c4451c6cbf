"""``housing rollback``, ``promote`` and ``resume``: change the live version."""

from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.output import JsonOption, console, print_json
from housing_cli.promotion_view import ended_line, stop_line

if TYPE_CHECKING:
    from housing_cli.api import Change
    from housing_cli.services import Services

ReasonOption = Annotated[str, typer.Option("--reason", help="The reason, for the ledger.")]


def rollback(
    context: typer.Context,
    *,
    reason: ReasonOption,
    to: Annotated[
        str | None, typer.Option(help="The version; by default the one before the last change.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier version live, if it loads; stop automatic promotion until `resume`."""
    services: Services = context.obj
    with services.admin_api as api:
        _show(api.rollback(to, reason), as_json=as_json)


def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, as listed by `housing models`.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Make a version live, if it loads, regardless of the gate's verdict."""
    services: Services = context.obj
    with services.admin_api as api:
        _show(api.promote(version, reason), as_json=as_json)


def resume(context: typer.Context, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Allow automatic promotion again, after a rollback stopped it."""
    services: Services = context.obj
    with services.admin_api as api:
        resumed = api.resume(reason)
    if as_json:
        print_json(resumed.model_dump(mode="json"))
    else:
        console().print(ended_line(resumed), soft_wrap=True)


def _show(change: "Change", *, as_json: bool) -> None:
    if as_json:
        print_json(change.model_dump(mode="json", exclude_unset=True))
        return
    out = console()
    if change.changed:
        before = change.from_version or "none"
        out.print(f"version {change.version} is in production; the version before was {before}")
    else:
        out.print(f"version {change.version} is already in production")
    if change.included:
        jobs = ", ".join(change.included)
        out.print(f"held rows are included in the data set again: job {jobs}", soft_wrap=True)
    stop = stop_line(change.automatic_promotion)
    if stop:
        out.print(stop, soft_wrap=True)
