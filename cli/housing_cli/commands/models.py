"""``housing models``: list the versions of the registered model, or their changes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housing.schema import ERROR
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from housing.registry.ledger import Change
    from housing.registry.port import ModelVersion
    from housing_cli.services import Services

_HEADINGS = ("", "version", "aliases", "created", ERROR, "data source", "data set", "verdict")


def models(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 20,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="List the changes of the live version: when, what, who, why."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the model's versions, or its changes, newest first; ● marks the one in production."""
    from housing_cli.promotion_view import show_stop

    services: Services = context.obj
    show_stop(services, console(stderr=as_json))
    if history:
        _show_history(services.ledger.newest(limit), as_json=as_json)
        return
    versions = services.registry.versions(limit=limit)
    if as_json:
        print_json([_facts(version) for version in versions])
    elif versions:
        console().print(_table(versions))
    else:
        name = services.settings.housing_model_name
        console().print(f"{name} has no versions yet: `housing upload FILE.csv` trains one")


def _show_history(changes: "Sequence[Change]", *, as_json: bool) -> None:
    if as_json:
        print_json([change.model_dump(mode="json") for change in changes])
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("when", "what", "from", "to", "who", "why", box=None, pad_edge=False)
    for change in changes:
        when = f"{change.when.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(*map(Text, (when, *_what(change), change.who, change.why)))
    console().print(table)


def _what(change: "Change") -> tuple[str, str, str]:
    """Return an alias with its old and new version, or a decision with its state."""
    from housing.registry.ledger import Decision

    if not isinstance(change, Decision):
        return change.alias, change.from_version or "", change.to_version or ""
    _, _, state = change.kind.partition("_")
    if change.subject == "promotion":
        return "automatic promotion", "", state
    return f"rows of job {change.job_id}", "", state


def _facts(version: "ModelVersion") -> dict[str, Any]:
    from housing.registry.port import PRODUCTION, Tag

    tags = version.tags
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "production": PRODUCTION in version.aliases,
        "created_at": version.created_at.isoformat(),
        "run_id": version.run_id,
        "metrics": _metrics(tags, Tag.METRIC_PREFIX),
        "data_source": tags.get(Tag.DATA_SOURCE),
        "dataset_id": tags.get(Tag.DATASET_ID),
        "verdict": tags.get(Tag.VERDICT),
        "verdict_reason": tags.get(Tag.VERDICT_REASON),
        "tags": dict(tags),
    }


def _table(versions: "Sequence[ModelVersion]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from housing.registry.port import PRODUCTION, Tag

    table = Table(*_HEADINGS, box=None, pad_edge=False)
    for version in versions:
        tags = version.tags
        live = PRODUCTION in version.aliases
        cells = (
            "●" if live else "",
            version.version,
            ", ".join(sorted(version.aliases)),
            f"{version.created_at.astimezone():%Y-%m-%d %H:%M}",
            tags.get(f"{Tag.METRIC_PREFIX}{ERROR}", ""),
            tags.get(Tag.DATA_SOURCE, ""),
            tags.get(Tag.DATASET_ID, "")[:12],
            ": ".join(filter(None, (tags.get(Tag.VERDICT), tags.get(Tag.VERDICT_REASON)))),
        )
        table.add_row(*(Text(cell) for cell in cells), style="green" if live else "")
    return table


def _metrics(tags: Mapping[str, str], prefix: str) -> dict[str, float | str]:
    return {
        key.removeprefix(prefix): _number(value)
        for key, value in tags.items()
        if key.startswith(prefix)
    }


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
