"""``housing data list``, ``exclude`` and ``include``: the uploads that jobs train on."""

from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.commands.changes import ReasonOption
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from housing_cli.api import UploadedPart
    from housing_cli.services import Services

JobArgument = Annotated[str, typer.Argument(help="The job, as listed by `housing data list`.")]
_HEADINGS = ("job", "file", "source", "rows", "uploaded", "state", "who", "why")


def list_uploads(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the uploads of the data set, newest first, and which of them are excluded."""
    services: Services = context.obj
    with services.admin_api as api:
        uploads = api.data(limit).uploads
    if as_json:
        print_json([upload.model_dump(mode="json") for upload in uploads])
    elif uploads:
        console().print(_table(uploads))
    else:
        console().print("the data set is empty: add rows with `housing upload FILE.csv`")


def exclude(
    context: typer.Context, job: JobArgument, *, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """Exclude the rows of a job from the data set; the live version does not change."""
    services: Services = context.obj
    with services.admin_api as api:
        done = api.exclude(job, reason)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    rows, out = _rows(done.upload), done.upload.exclusion
    if done.changed or out is None:
        line = f"{rows} are excluded: the next job trains without them"
    else:
        since = f"since {out.since.astimezone():%Y-%m-%d %H:%M} by {out.who} ({out.why})"
        line = f"{rows} are already excluded, {since}"
    back = f"include them again with `housing data include {done.upload.job_id} --reason …`"
    console().print(f"{line}; {back}", soft_wrap=True)


def include(
    context: typer.Context, job: JobArgument, *, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """Include the rows of a job in the data set again."""
    services: Services = context.obj
    with services.admin_api as api:
        done = api.include(job, reason)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    included = "are in the data set again: the next job trains on them"
    state = included if done.changed else "are already in the data set"
    console().print(f"{_rows(done.upload)} {state}", soft_wrap=True)


def _rows(upload: "UploadedPart") -> str:
    count = "the rows" if upload.rows is None else f"the {upload.rows:,} rows"
    file = f" ({upload.file})" if upload.file else ""
    return f"{count} of job {upload.job_id}{file}"


def _table(uploads: "Sequence[UploadedPart]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(*_HEADINGS, box=None, pad_edge=False)
    for upload in uploads:
        out = upload.exclusion
        cells = (
            upload.job_id,
            upload.file or "",
            upload.source or "",
            "" if upload.rows is None else f"{upload.rows:,}",
            f"{upload.uploaded_at.astimezone():%Y-%m-%d %H:%M}",
            upload.state,
            out.who if out else "",
            out.why if out else "",
        )
        table.add_row(*map(Text, cells), style="yellow" if out else "")
    return table
