"""``housing predict``: get the API's prediction for a row."""

import inspect
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housing.schema import FEATURES, SUBJECT
from housing.subject import Column
from housing_cli.errors import DataFileError
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from rich.text import Text

    from housing_cli.api import HousingApi, PredictedPrice
    from housing_cli.services import Services
    from retrain.training.batch.prediction import FilePredictions

_STDIN = Path("-")
_TYPES: Mapping[str, type] = {"number": float, "integer": int, "boolean": bool, "category": str}
_TRIED = 3
_SHOWN_PROBLEMS = 5
_TAKEN = frozenset({"file", "json", "help", "out", "version", "model"})


def with_feature_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each feature, in place of its parameter ``block_group``.

    The command gets a dict of the features; Typer gets one option each, with the schema's
    description and unit as help and its example as default.
    """

    def with_options(**options: Any) -> None:
        block_group = {
            column.name: options.pop(_parameter(place)) for place, column in enumerate(FEATURES)
        }
        command(block_group=block_group, **options)

    own = inspect.signature(command).parameters.values()
    kept = [parameter for parameter in own if parameter.name != "block_group"]
    signature = inspect.Signature([*kept, *map(_option, range(len(FEATURES)), FEATURES)])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__name__ = command.__name__
    with_options.__doc__ = command.__doc__
    return with_options


def _parameter(place: int) -> str:
    """Return the name of a feature's parameter: that of a column may be no name in Python."""
    return f"feature_{place}"


def option_name(column: str) -> str:
    """Return the option of a column, without what a shell would want quotes for."""
    name = re.sub(r"[^\w.-]+", "-", column).strip("-.")
    return f"--feature-{name}" if name in _TAKEN or not name else f"--{name}"


def example_option() -> str:
    """Return an option of ``housing predict`` for the first feature that is a number."""
    column = next((one for one in FEATURES if one.kind in {"number", "integer"}), None)
    if column is None:
        return ""
    is_usual = column.usual_minimum <= _TRIED <= column.usual_maximum
    return f"{option_name(column.name)} {_TRIED if is_usual else column.example:g}"


def _option(place: int, column: Column) -> inspect.Parameter:
    name, unit = option_name(column.name), f" ({column.unit})" if column.unit else ""
    about = typer.Option(
        f"{name}/--no-{name[2:]}" if column.kind == "boolean" else name,
        help=f"{column.description}{unit}",
        callback=_finite if column.kind == "number" else None,
    )
    return inspect.Parameter(
        _parameter(place),
        inspect.Parameter.KEYWORD_ONLY,
        default=_TYPES[column.kind](column.shown_example),
        annotation=Annotated[_TYPES[column.kind], about],
    )


def _finite(value: float) -> float:
    if not math.isfinite(value):
        msg = "must be a finite number"
        raise typer.BadParameter(msg)
    return value


@with_feature_options
def predict(  # noqa: PLR0913 - the command's options
    context: typer.Context,
    *,
    block_group: Mapping[str, float],
    csv: Annotated[
        Path | None, typer.Argument(help="A CSV of any size, to be predicted here; with --out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Its predictions: a .parquet or a .csv, a row for each.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The version that predicts it, if not production's.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model.onnx that predicts it, of housing train.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help=f"JSON: a {SUBJECT.row} or a list of them; - is stdin.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Predict a row by the API, or a whole CSV here.

    A feature without an option has the default shown.
    """
    if csv is not None or out is not None:
        if csv is None or out is None or file is not None or _features_given(context):
            msg = "a CSV takes --out, and neither --file nor features"
            raise typer.BadParameter(msg)
        _predict_csv(context.obj, csv, out, version, model, as_json=as_json)
        return
    if file is not None and _features_given(context):
        msg = "use --file or features, not both"
        raise typer.BadParameter(msg)
    services: Services = context.obj
    rows = [block_group] if file is None else _rows(file)
    with services.api as api:
        answers = _predictions(api, rows)
    if as_json:
        documents = [answer.model_dump(mode="json") for answer in answers]
        print_json(documents[0] if file is None else documents)
        return
    for answer in answers:
        for line in _lines(answer):
            console().print(line, soft_wrap=True)


def _predict_csv(  # noqa: PLR0913 - the command's options
    services: "Services",
    csv: Path,
    out: Path,
    version: str | None,
    model: Path | None,
    *,
    as_json: bool,
) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from housing_cli.predictions.file import (
        facts_of,
        graph_of_file,
        registered_graph,
        unpacked_size,
    )
    from retrain.training.batch.prediction import predict_file

    if version is not None and model is not None:
        msg = "use --version or --model, not both"
        raise typer.BadParameter(msg)
    size = unpacked_size(csv)
    graph = graph_of_file(model) if model else registered_graph(services.registry, version)
    columns = ("predicting", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("predicting", total=size)
        made = predict_file(
            csv,
            out,
            graph.model,
            proof=graph.proof,
            on_bytes=lambda read: progress.update(task, completed=read),
        )
    if as_json:
        print_json(facts_of(made, out, graph))
        return
    for line in _lines_of_file(made, f"{graph.name}: {out}"):
        console().print(line, soft_wrap=True)


def _lines_of_file(made: "FilePredictions", by: str) -> Iterator[str]:
    yield f"{made.predicted:,} of {made.read:,} rows are predicted by {by}"
    yield from (f"note: {remark}" for remark in made.remarks)
    if made.predicted < made.read:
        yield f"{made.read - made.predicted:,} rows are bad and left out:"
    yield from (f"  {problem}" for problem in made.problems[:_SHOWN_PROBLEMS])
    more = made.problems_total - _SHOWN_PROBLEMS
    if more > 0:
        yield f"  and {more:,} problems more; --json lists the first thousand"


def _features_given(context: typer.Context) -> bool:
    sources = (context.get_parameter_source(_parameter(place)) for place in range(len(FEATURES)))
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def _rows(file: Path) -> list[Mapping[str, Any]]:
    """Read one block group or a list of them."""
    try:
        text = sys.stdin.read() if file == _STDIN else file.read_text(encoding="utf-8")
        read = json.loads(text)
    except OSError as exc:
        msg = f"cannot read {file}: {exc.strerror}"
        raise DataFileError(msg) from exc
    except ValueError as exc:
        msg = f"{file} is not JSON: {exc}"
        raise DataFileError(msg) from exc
    rows = read if isinstance(read, list) else [read]
    if not rows or not all(isinstance(row, dict) for row in rows):
        msg = f"{file} must be a {SUBJECT.row} (a JSON object of its features) or a list of them"
        raise DataFileError(msg)
    return rows


def _predictions(api: "HousingApi", rows: Sequence[Mapping[str, Any]]) -> "list[PredictedPrice]":
    from rich.progress import track

    watched = track(rows, "predicting", console=console(stderr=True), transient=True)
    return [api.predict(row) for row in (watched if len(rows) > 1 else rows)]


def _lines(answer: "PredictedPrice") -> "list[Text]":
    """Return a prediction as lines for people."""
    from rich.text import Text

    text = answer.text
    stale = ", which may be outdated" if answer.stale else ""
    model = f"{answer.model_name} version {answer.model_version}{stale}"
    warnings = [Text(f"note: {warning}", style="yellow") for warning in answer.warnings]
    return [Text.assemble((text.value, "bold"), f"  ({text.certainty}; {model})"), *warnings]
