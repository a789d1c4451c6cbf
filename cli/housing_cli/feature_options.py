"""Options of the command line made from the schema of the data."""

import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any

import typer

from housing.schema import FEATURES, Column


def with_feature_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each feature, in place of its parameter ``block_group``.

    The command gets a dict of the features; typer sees one option each, with the schema's
    description and unit as help and its example as default.
    """

    def with_options(**options: Any) -> None:
        block_group = {column.name: options.pop(column.name) for column in FEATURES}
        command(block_group=block_group, **options)

    own = inspect.signature(command).parameters.values()
    kept = [parameter for parameter in own if parameter.name != "block_group"]
    signature = inspect.Signature([*kept, *map(_option, FEATURES)])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__name__ = command.__name__
    with_options.__doc__ = command.__doc__
    return with_options


def _option(column: Column) -> inspect.Parameter:
    about = typer.Option(
        f"--{column.name}", help=f"{column.description} ({column.unit})", callback=_finite
    )
    return inspect.Parameter(
        column.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=column.example,
        annotation=Annotated[float, about],
    )


def _finite(value: float) -> float:
    if not math.isfinite(value):
        msg = "a number is needed"
        raise typer.BadParameter(msg)
    return value
