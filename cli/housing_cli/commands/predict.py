"""``housing predict``: ask the deployed API what a block group's houses cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from housing_cli.feature_options import with_feature_options
from housing_cli.output import JsonOption, console, print_json
from housing_cli.services import Services

_STDIN = Path("-")


@with_feature_options
def predict(
    context: typer.Context,
    *,
    block_group: Mapping[str, float],
    file: Annotated[
        Path | None, typer.Option(help="JSON: a block group or a list of them; - is stdin.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the median house value of a block group.

    Features that are left out have the values shown, which are those of a block group in Berkeley.
    """
    services: Services = context.obj
    rows = [block_group] if file is None else _rows(file)
    with services.api as api:
        answers = [api.predict(row) for row in _watched(rows)]
    if as_json:
        print_json(answers[0] if file is None else answers)
        return
    for answer in answers:
        for line in _lines(answer):
            console().print(line, soft_wrap=True)


def _rows(file: Path) -> list[Mapping[str, Any]]: ...
