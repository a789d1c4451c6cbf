"""``housing keys``: who may ask the API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from housing.api_keys import ApiKey, Scope
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from housing_cli.services import Services

keys_app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Make, list and end the API's keys.",
    add_completion=False,
)


@keys_app.command()
def create(
    context: typer.Context,
    *,
    scope: Annotated[Scope, typer.Option(help="What the key may do.")] = Scope.PREDICT,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once; to move to it, make it, use it, revoke the old one."""
    services: Services = context.obj
    made = services.key_ring.create(scope)
    if as_json:
        print_json({"id": made.id, "scope": made.scope, "key": made.key})
    else:
        console().print(f"id   {made.id}\nkey  {made.key}\nIt is not shown again.", soft_wrap=True)


@keys_app.command("list")
def list_keys(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """List the keys that are valid now; their values are not kept."""
    services: Services = context.obj
    keys = services.key_ring.document().keys
    if as_json:
        print_json([_facts(key) for key in keys])
        return
    table = Table("id", "scopes", "created", box=None, pad_edge=False)
    for key in keys:
        facts = _facts(key)
        table.add_row(key.id, ", ".join(facts["scopes"]), f"{key.created_at:%Y-%m-%d %H:%M}")
    console().print(table)


@keys_app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `housing keys list` says it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """End a key."""
    services: Services = context.obj
    ended = services.key_ring.revoke(key_id)
    if as_json:
        print_json({"id": ended})
    else:
        console().print(f"{ended} is revoked; the function forgets it within a minute")


def _facts(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "scopes": sorted(key.scopes), "created_at": key.created_at.isoformat()}
