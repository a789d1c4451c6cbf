"""``housing status``: show the training jobs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from housing_cli.jobs.waiting_uploads import WaitingUpload
    from housing_cli.services import Services

_DENIED = frozenset({"AccessDenied", "403"})


def status(
    context: typer.Context,
    job_id: Annotated[str | None, typer.Argument(help="A job; by default the newest ones.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many jobs to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show the newest training jobs and the uploads without one; or one job in full."""
    services: Services = context.obj
    if job_id is None:
        _show_newest(services, limit, as_json=as_json)
    else:
        _show_one(services, job_id, as_json=as_json)


def _show_newest(services: "Services", limit: int, *, as_json: bool) -> None:
    from housing_cli.jobs.view import jobs_table
    from housing_cli.promotion_view import show_stop

    show_stop(services, console(stderr=as_json))
    waiting = _waiting(services)[:limit]
    jobs = services.jobs.newest(limit)
    if as_json:
        documents = [job.model_dump(mode="json") for job in jobs]
        print_json([*(one.document() for one in waiting), *documents])
    elif jobs or waiting:
        console().print(jobs_table(jobs, waiting))
    else:
        console().print("no jobs yet: start one with `housing upload FILE.csv`")


def _show_one(services: "Services", job_id: str, *, as_json: bool) -> None:
    from housing.errors import JobNotFoundError
    from housing.jobs.report import first_problems
    from housing_cli.jobs.view import job_lines, problem_lines

    try:
        job = services.jobs.load(job_id)
    except JobNotFoundError:
        waiting = [one for one in _waiting(services) if one.upload.job_id == job_id]
        if not waiting:
            raise
        _show_waiting(waiting[0], as_json=as_json)
        return
    if as_json:
        print_json(job.model_dump(mode="json"))
        return
    problems = first_problems(services.s3, services.settings.bucket, job.report_key)
    for line in [*job_lines(job), *problem_lines(problems)]:
        console().print(line, soft_wrap=True)


def _show_waiting(waiting: "WaitingUpload", *, as_json: bool) -> None:
    if as_json:
        print_json(waiting.document())
        return
    for line in waiting.lines():
        console().print(line, soft_wrap=True)


def _waiting(services: "Services") -> "list[WaitingUpload]":
    """Return the uploads without a job; without the permission, print a note and return none."""
    from botocore.exceptions import ClientError

    from housing_cli.jobs.waiting_uploads import waiting_uploads

    now = datetime.fromtimestamp(services.clock.time(), UTC)
    try:
        return waiting_uploads(services.s3, services.settings.bucket, now=now)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in _DENIED:
            raise
        console(stderr=True).print(
            "uploads without a job are not shown: s3:ListBucketVersions is denied", soft_wrap=True
        )
        return []
