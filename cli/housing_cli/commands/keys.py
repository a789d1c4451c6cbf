"""``housing keys``: create, list and revoke the API's keys."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from housing.api_keys import ApiKey
    from housing_cli.services import Services
ScopeName = Literal["predict", "admin"]

keys_app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Create, list and revoke the API's keys.",
    add_completion=False,
)


@keys_app.command()
def create(
    context: typer.Context,
    *,
    scope: Annotated[ScopeName, typer.Option(help="The scope of the key.")] = "predict",
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it once; to rotate, create a key, use it, revoke the old one."""
    from housing.api_keys import Scope

    services: Services = context.obj
    key = services.key_ring.create(Scope(scope))
    if as_json:
        print_json({"id": key.id, "scope": key.scope, "key": key.key})
    else:
        console().print(f"id   {key.id}\nkey  {key.key}\nIt is not shown again.", soft_wrap=True)


@keys_app.command("list")
def list_keys(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """List the valid keys; their values are not stored."""
    from rich.table import Table

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
    key_id: Annotated[str, typer.Argument(help="The key's id, as listed by `housing keys list`.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key."""
    services: Services = context.obj
    services.key_ring.revoke(key_id)
    if as_json:
        print_json({"id": key_id})
    else:
        console().print(f"{key_id} is revoked; the function rejects it within a minute")


def _facts(key: "ApiKey") -> dict[str, Any]:
    return {"id": key.id, "scopes": sorted(key.scopes), "created_at": key.created_at.isoformat()}
