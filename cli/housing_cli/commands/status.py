"""``housing status``: what the training jobs did."""

from typing import Annotated

import typer

from housing_cli.job_view import job_lines, jobs_table, problem_lines
from housing_cli.output import JsonOption, console, print_json
from housing_cli.reports import first_problems
from housing_cli.services import Services


def status(
    context: typer.Context,
    job_id: Annotated[
        str | None, typer.Argument(help="A job; the newest ones if left out.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many jobs to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show the newest training jobs, or one in full."""
    services: Services = context.obj
    if job_id is None:
        _show_newest(services, limit, as_json=as_json)
    else:
        _show_one(services, job_id, as_json=as_json)


def _show_newest(services: Services, limit: int, *, as_json: bool) -> None:
    jobs = services.jobs.newest(limit)
    if as_json:
        print_json([job.model_dump(mode="json") for job in jobs])
    elif jobs:
        console().print(jobs_table(jobs))
    else:
        console().print("no jobs yet: start one with `housing upload FILE.csv`")


def _show_one(services: Services, job_id: str, *, as_json: bool) -> None:
    job = services.jobs.load(job_id)
    if as_json:
        print_json(job.model_dump(mode="json"))
        return
    problems = first_problems(services.s3, services.settings.bucket, job.report_key)
    for line in [*job_lines(job), *problem_lines(problems)]:
        console().print(line, soft_wrap=True)
