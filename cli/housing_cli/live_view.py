"""Showing a job while it runs: live in a terminal, a line for each stage elsewhere."""

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from housing.jobs.status import JobStatus
from housing_cli.job_view import stage_line
from housing_cli.waiting import Followed


def show_job(updates: Iterable[Followed], console: Console) -> JobStatus:
    """Show a job's updates and return the last status.

    Args:
        updates: The states of one job, at least one, the last one final.
        console: Where to show them.
    """
    return _show_live(updates, console) if console.is_terminal else _show_lines(updates, console)


def _show_lines(updates: Iterable[Followed], console: Console) -> JobStatus:
    shown: set[str] = set()
    for update in updates:
        if update.note:
            console.print(f"… {update.note}", soft_wrap=True)
        if update.job is None:
            continue
        job = update.job
        for time in job.stages:
            if (time.seconds is not None or job.state.is_final) and time.stage not in shown:
                shown.add(time.stage)
                console.print(stage_line(time, state=job.state), soft_wrap=True)
    return job


def _show_live(updates: Iterable[Followed], console: Console) -> JobStatus:
    spinner = Spinner("dots", Text("waiting for the job to start"))
    with Live(spinner, console=console, refresh_per_second=8) as live:
        for update in updates:
            if update.job is None:
                spinner.update(text=Text(update.note))
                live.update(spinner, refresh=True)
                continue
            job = update.job
            live.update(_stages(job, update.note, spinner), refresh=True)
    return job


def _stages(job: JobStatus, note: str, spinner: Spinner) -> RenderableType:
    ended = [time for time in job.stages if time.seconds is not None or job.state.is_final]
    lines: list[RenderableType] = [stage_line(time, state=job.state) for time in ended]
    if not job.state.is_final:
        spinner.update(text=Text(f"{job.stage}  {note or job.message}"))
        lines.append(spinner)
    return Group(*lines)
