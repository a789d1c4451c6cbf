"""``housing upload``: upload a CSV, and follow its training job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housing_cli.errors import JobWaitError
from housing_cli.output import JsonOption, console, fail, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from housing.jobs.status import JobStatus
    from housing_cli.jobs.upload import Upload
    from housing_cli.services import Services


def upload(  # noqa: PLR0913 - each is an option of the command
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV with the canonical or the census header.")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job to its end.")] = False,
    source: Annotated[str, typer.Option(help="The source of the rows.")] = "upload",
    name: Annotated[str | None, typer.Option(help="The name in the bucket.")] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="The limit of --wait in seconds; by default that of the job with its restarts.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a CSV; a training job starts by itself.

    With --wait the exit status is 0 if a version was registered, promoted or not.
    """
    from housing_cli.jobs.follow import follow_job
    from housing_cli.jobs.view import show_job

    services: Services = context.obj
    people = console(stderr=as_json)
    done = _send(services, file, name, source, people)
    facts: dict[str, Any] = {
        "bucket": services.settings.bucket,
        "key": done.key,
        "version": done.version,
        "bytes": done.bytes,
        "job_id": done.job_id,
    }
    people.print(f"uploaded {done.key}\njob      {done.job_id}", soft_wrap=True)
    if wait:
        updates = follow_job(
            services.jobs, done.job_id, timeout_seconds=timeout, clock=services.clock
        )
        try:
            job = show_job(updates, people)
        except JobWaitError as exc:
            fail(context, str(exc), **facts)
        _conclude(context, services, job, facts, people)
    elif not as_json:
        people.print(f"follow it with `housing status {done.job_id}`", soft_wrap=True)
    if as_json:
        print_json(facts)


def _send(
    services: "Services", file: Path, name: str | None, source: str, people: "Console"
) -> "Upload":
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from housing_cli.jobs.upload import readable_size, upload_file

    size = readable_size(file)
    columns = (TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = people.is_terminal
    with Progress(*columns, console=people, transient=True, disable=not shown) as progress:
        task = progress.add_task("upload", total=size)
        return upload_file(
            services.s3,
            services.settings.bucket,
            file,
            name=name,
            source=source,
            on_bytes=lambda count: progress.advance(task, count),
        )


def _conclude(
    context: typer.Context,
    services: "Services",
    job: "JobStatus",
    facts: dict[str, Any],
    people: "Console",
) -> None:
    """Print the result of the job; exit with 1 unless it registered a version."""
    from housing.jobs.report import first_problems
    from housing_cli.jobs.view import problem_lines, summary_lines

    facts["job"] = job.model_dump(mode="json")
    for line in summary_lines(job):
        people.print(line, soft_wrap=True)
    if job.state.is_success and job.model_version is not None:
        return
    problems = first_problems(services.s3, services.settings.bucket, job.report_key)
    for line in problem_lines(problems):
        people.print(line, soft_wrap=True)
    if job.report_key:
        people.print(f"report: s3://{services.settings.bucket}/{job.report_key}", soft_wrap=True)
    facts["problems"] = [problem.model_dump(mode="json") for problem in problems]
    fail(context, f"job {job.job_id} {_outcome(job)}", **facts)


def _outcome(job: "JobStatus") -> str:
    if job.state == "succeeded":
        return f"registered no version: {job.reason or job.message or 'no reason given'}"
    return f"{job.state}: {job.reason or 'no reason given'}"
