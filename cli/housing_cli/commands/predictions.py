"""``housing predictions``: export the logged predictions."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housing_cli.output import JsonOption, console, fail, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from housing_cli.predictions.export import ExportCounts
    from housing_cli.services import Services

predictions_app = typer.Typer(
    name="predictions", no_args_is_help=True, help="Export the logged predictions."
)


@predictions_app.command()
def export(
    context: typer.Context,
    *,
    since: Annotated[str, typer.Option(help="Start: 90m, 24h or 7d ago, or an ISO time.")],
    until: Annotated[str, typer.Option(help="End, in the same forms.")] = "0s",
    to: Annotated[Path, typer.Option(help="The SQLite database to write.")],
    as_json: JsonOption = False,
) -> None:
    """Export logged predictions from CloudWatch Logs to a SQLite table, `predictions`.

    Each prediction is written once: to resume an export that was stopped, run it again.
    """
    from housing_cli.predictions.export import ExportCounts, export_pages, open_database
    from housing_cli.predictions.log import milliseconds, read_pages

    services: Services = context.obj
    began, ended = _range(since, until)
    group = services.settings.predict_log_group
    pages = read_pages(services.logs, group, since=began, until=ended)
    counts = ExportCounts()
    facts: dict[str, Any] = {"log_group": group, "since": began, "until": ended, "to": str(to)}
    try:
        with open_database(to) as database:
            times = export_pages(pages, database, counts)
            _show_progress(times, counts, milliseconds(began), milliseconds(ended))
    except KeyboardInterrupt:
        reason = f"stopped after {counts.written:,} rows, which are kept: run it again to resume"
        fail(context, reason, **facts, **asdict(counts))
    if as_json:
        print_json({**facts, **asdict(counts)})
    _show_counts(counts, to, console(stderr=as_json))


def _range(since: str, until: str) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    try:
        began, ended = moment(since, now=now), moment(until, now=now)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    if began >= ended:
        msg = f"--since {since} is not before --until {until}"
        raise typer.BadParameter(msg)
    return began, ended


def _show_progress(
    times: Iterable[int], counts: "ExportCounts", began_ms: int, ended_ms: int
) -> None:
    """Run the export under a progress bar of the time that is read."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    people = console(stderr=True)
    columns = (
        TextColumn("exporting"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events read, {task.fields[written]:,} rows written"),
    )
    shown = people.is_terminal
    with Progress(*columns, console=people, transient=True, disable=not shown) as progress:
        task = progress.add_task("export", total=ended_ms - began_ms, events=0, written=0)
        for time_ms in times:
            progress.update(
                task,
                completed=time_ms - began_ms,
                events=counts.events,
                written=counts.written,
            )


def _show_counts(counts: "ExportCounts", to: Path, people: "Console") -> None:
    people.print(
        f"{counts.written:,} predictions written to {to}, {counts.already_there:,} already there "
        f"({counts.events:,} log events read)",
        soft_wrap=True,
    )
    if counts.unreadable:
        people.print(
            f"note: skipped {counts.unreadable:,} unreadable prediction lines; the first: "
            f"{counts.first_problem}",
            soft_wrap=True,
        )


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(rf"(\d+)([{''.join(_UNITS)}])")


def moment(text: str, *, now: datetime) -> datetime:
    """Parse a time: ``90m``, ``7d``, or an ISO date or time.

    Args:
        text: A duration before now, a number with s, m, h, d or w; or an ISO 8601 date or time,
            by default in the local time zone.
        now: The present, with its time zone.

    Raises:
        ValueError: It is neither, or out of range.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as exc:
        msg = f"'{text}' is neither a duration (90m, 24h, 7d) nor an ISO time"
        raise ValueError(msg) from exc
