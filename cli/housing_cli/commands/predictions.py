"""``housing predictions``: what the function predicted, for one's own analysis."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from housing_cli.output import JsonOption, console, fail, print_json
from housing_cli.predictions.export import ExportCounts, opened
from housing_cli.predictions.export import export as export_pages
from housing_cli.predictions.log import milliseconds, read_pages

if TYPE_CHECKING:
    from housing_cli.services import Services

predictions_app = typer.Typer(
    name="predictions", no_args_is_help=True, help="What the function predicted."
)


@predictions_app.command()
def export(
    context: typer.Context,
    *,
    since: Annotated[str, typer.Option(help="From when on: 90m, 24h, 7d or an ISO time.")],
    until: Annotated[str, typer.Option(help="Until when; the same forms.")] = "0s",
    to: Annotated[Path, typer.Option(help="The SQLite database to write.")],
    as_json: JsonOption = False,
) -> None:
    """Export logged predictions from CloudWatch Logs to a SQLite table, `predictions`.

    A prediction that is there already is not written again, so an export that was stopped is
    finished by running it once more.
    """
    services: Services = context.obj
    began, ended = _range(since, until)
    group = services.settings.predict_log_group
    pages = read_pages(services.logs, group, since=began, until=ended)
    counts = ExportCounts()
    facts: dict[str, Any] = {"log_group": group, "since": began, "until": ended, "to": str(to)}
    try:
        with opened(to) as database:
            times = export_pages(pages, database, counts)
            _show(times, counts, milliseconds(began), milliseconds(ended))
    except KeyboardInterrupt:
        reason = f"stopped after {counts.written:,} rows, which are kept: run it again to go on"
        fail(context, reason, **facts, **asdict(counts))
    if as_json:
        print_json({**facts, **asdict(counts)})
    _tell(counts, to, console(stderr=as_json))


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


def _show(times: Iterable[int], counts: ExportCounts, began_ms: int, ended_ms: int) -> None:
    """Run the export under a bar that fills with the time that is covered."""
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


def _tell(counts: ExportCounts, to: Path, people: Console) -> None:
    people.print(
        f"{counts.written:,} predictions written to {to}, {counts.already_there:,} were there "
        f"already ({counts.events:,} log events read)",
        soft_wrap=True,
    )
    if counts.unreadable:
        people.print(
            f"note: unreadable prediction lines that are left out: {counts.unreadable:,}; the "
            f"first: {counts.first_problem}",
            soft_wrap=True,
        )


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(rf"(\d+)([{''.join(_UNITS)}])")


def moment(text: str, *, now: datetime) -> datetime:
    """Return the moment that is meant.

    Args:
        text: A duration before now, a number and one of s, m, h, d, w; or an ISO 8601 date or
            time, in the computer's own time zone if it names none.
        now: The present, with its time zone.

    Raises:
        ValueError: It is neither, or too long ago to be a date.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as exc:
        msg = f"'{text}' is neither a duration like 90m, 24h or 7d nor an ISO time"
        raise ValueError(msg) from exc
