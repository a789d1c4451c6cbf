"""``housing train``: train a model from a file, without the pipeline."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.output import JsonOption, console, fail, print_json

if TYPE_CHECKING:
    from retrain.training.job.offline import OfflineModel


def train(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="A CSV with the canonical or the census header.")],
    *,
    out: Annotated[Path, typer.Option(help="The folder for model, card and figures.")] = Path(
        "model"
    ),
    as_json: JsonOption = False,
) -> None:
    """Train on a file locally: nothing is uploaded, registered or promoted."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from housing.errors import HousingError
    from housing_cli.jobs.upload import readable_size
    from retrain.training.job.offline import OFFLINE_STEPS, offline_settings, train_file

    readable_size(data)
    people = console(stderr=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=people, transient=True) as progress:
        task = progress.add_task("checking the file", total=OFFLINE_STEPS)

        def note(message: str) -> None:
            progress.update(task, advance=1, description=message)

        @contextlib.contextmanager
        def stage(_stage: object, message: str) -> Iterator[None]:
            note(message)
            yield

        try:
            made, checked = train_file(
                data.read_bytes(), f"file:{data.name}", offline_settings(), stage=stage, note=note
            )
        except HousingError as exc:
            fail(context, str(exc))
    files = _write(made, out)
    facts = {
        "rows": {"read": checked.read, "bad": len(checked.bad_lines)},
        "metrics": made.metrics,
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(facts)
        return
    people.print(f"rows     {checked.read:,} read, {len(checked.bad_lines):,} bad")
    for name, value in made.metrics.items():
        people.print(f"{name:<16} {value:.4g}")
    people.print(f"written  {', '.join(str(file) for file in files)}", soft_wrap=True)


def _write(made: "OfflineModel", folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    model, card = folder / "model.onnx", folder / "model_card.md"
    model.write_bytes(made.trained.model)
    card.write_text(made.description.card)
    for name, figure in made.description.figures.items():
        figure.savefig(folder / name)
    return [model, card, *(folder / name for name in made.description.figures)]
