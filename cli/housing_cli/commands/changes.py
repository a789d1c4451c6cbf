"""``housing rollback`` and ``housing promote``: what is live, changed by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.output import JsonOption, console, print_json

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
    """Put an earlier version back into production, after it was proved to load."""
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


def _tell(change: "Change", *, as_json: bool) -> None:
    if as_json:
        print_json(change.model_dump())
    elif change.changed:
        left = change.from_version or "none"
        console().print(f"version {change.version} is in production; before, it was {left}")
    else:
        console().print(f"version {change.version} was in production already")
