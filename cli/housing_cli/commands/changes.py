"""``housing rollback``, ``promote`` and ``resume``: what is live, and who may change it."""

from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.output import JsonOption, console, print_json
from housing_cli.promotion_view import ended_line, stop_line

if TYPE_CHECKING:
    from housing_cli.api import Change
    from housing_cli.services import Services

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.")]


def rollback(
    context: typer.Context,
    *,
    reason: ReasonOption,
    to: Annotated[
        str | None, typer.Option(help="The version; the one before the last change if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put an earlier version back, after it was proved to load; no job promotes until `resume`."""
    services: Services = context.obj
    with services.admin_api as api:
        _tell(api.rollback(to, reason), as_json=as_json)


def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, as `housing models` says it.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Put a version into production whatever the gate said, after it was proved to load."""
    services: Services = context.obj
    with services.admin_api as api:
        _tell(api.promote(version, reason), as_json=as_json)


def resume(context: typer.Context, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Let jobs promote again, after a rollback stopped them."""
    services: Services = context.obj
    with services.admin_api as api:
        resumed = api.resume(reason)
    if as_json:
        print_json(resumed.model_dump(mode="json"))
    else:
        console().print(ended_line(resumed), soft_wrap=True)


def _tell(change: "Change", *, as_json: bool) -> None:
    if as_json:
        print_json(change.model_dump(mode="json", exclude_unset=True))
        return
    out = console()
    if change.changed:
        left = change.from_version or "none"
        out.print(f"version {change.version} is in production; before, it was {left}")
    else:
        out.print(f"version {change.version} was in production already")
    if change.included:
        jobs = ", ".join(change.included)
        out.print(f"rows that were held are in the data set again: job {jobs}", soft_wrap=True)
    stop = stop_line(change.automatic_promotion)
    if stop:
        out.print(stop, soft_wrap=True)
