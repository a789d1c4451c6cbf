"""From pages of the log to rows in the database, with a count of what became of each event."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from housing_cli.errors import UnreadableLineError
from housing_cli.predictions.database import PredictionDatabase, Row, row
from housing_cli.predictions.log_events import LogEvent
from housing_cli.predictions.prediction_line import read_line


@dataclass(slots=True)
class ExportCounts:
    """What became of the events that were read.

    Attributes:
        events: All that were read.
        written: Predictions that are new in the database.
        already_there: Predictions that an earlier export had brought.
        unreadable: Lines of predictions that lack a field or hold a wrong one.
        first_problem: What is wrong with the first of these.
    """

    events: int = 0
    written: int = 0
    already_there: int = 0
    unreadable: int = 0
    first_problem: str | None = None


def export(
    pages: Iterable[Sequence[LogEvent]], database: PredictionDatabase, counts: ExportCounts
) -> Iterator[int]:
    """Write each page in a transaction of its own.

    Args:
        pages: Events of the log, oldest first.
        database: Where the predictions go.
        counts: Kept up to date with what is written for good.

    Yields:
        How far the export has come: the time of a page's last event in milliseconds.
    """
    for page in pages:
        rows = _rows(page, counts)
        written = database.add(rows)
        counts.events += len(page)
        counts.written += written
        counts.already_there += len(rows) - written
        if page:
            yield page[-1].timestamp_ms


def _rows(page: Sequence[LogEvent], counts: ExportCounts) -> list[Row]:
    rows = []
    for event in page:
        try:
            line = read_line(event.message)
        except UnreadableLineError as exc:
            counts.unreadable += 1
            counts.first_problem = counts.first_problem or f"event {event.event_id}: {exc}"
        else:
            if line is not None:
                rows.append(row(event, line))
    return rows
