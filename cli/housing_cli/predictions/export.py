"""Export predictions to a SQLite database: one table, one row per prediction."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from housing.schema import ANSWER, FEATURE_NAMES, FEATURES, SUBJECT
from housing_cli.errors import DatabaseError, UnreadableLineError
from housing_cli.predictions.log import LogEvent, PredictionLine, read_line

Row = tuple[str | float | bool | None, ...]
_KINDS = {"number": "REAL", "integer": "REAL", "boolean": "INTEGER", "category": "TEXT"}
_LIMITS = () if SUBJECT.task == "classification" else ("lower", "upper")

_TYPES = {
    "event_id": "TEXT PRIMARY KEY",
    "request_id": "TEXT NOT NULL",
    "timestamp": "TEXT NOT NULL",
    **{
        column.name: _KINDS[column.kind] + (" NOT NULL" if not column.optional else "")
        for column in FEATURES
    },
    **dict.fromkeys((ANSWER, *_LIMITS), "REAL NOT NULL"),
    "model_version": "TEXT NOT NULL",
    "stale": "INTEGER NOT NULL",
    "latency_ms": "REAL NOT NULL",
    "cold_start": "INTEGER NOT NULL",
}
_CREATE = "CREATE TABLE IF NOT EXISTS predictions ({})".format(
    ", ".join(f'"{name}" {kind}' for name, kind in _TYPES.items())
)
_INSERT = "INSERT OR IGNORE INTO predictions ({}) VALUES ({})".format(  # noqa: S608 - names of the schema, no input
    ", ".join(f'"{name}"' for name in _TYPES), ", ".join("?" * len(_TYPES))
)


@dataclass(slots=True)
class ExportCounts:
    """Counts of an export.

    Attributes:
        events: Log events read.
        written: Predictions that are new in the database.
        already_there: Predictions that an earlier export wrote.
        unreadable: Prediction lines with a missing or invalid field.
        first_problem: The problem of the first of these.
    """

    events: int = 0
    written: int = 0
    already_there: int = 0
    unreadable: int = 0
    first_problem: str | None = None


class PredictionDatabase:
    """The table ``predictions``; the log event is a row's key, so that a repeat changes nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(_CREATE)

    def add(self, rows: Sequence[Row]) -> int:
        """Insert the new rows in one transaction; return their number."""
        before = self._connection.total_changes
        with self._connection:
            self._connection.executemany(_INSERT, rows)
        return self._connection.total_changes - before


@contextmanager
def open_database(path: Path) -> Iterator[PredictionDatabase]:
    """Open the database; make it if it does not exist.

    Raises:
        DatabaseError: It cannot be opened or written, or is not a SQLite database.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            yield PredictionDatabase(connection)
    except sqlite3.Error as exc:
        msg = f"cannot write {path}: {exc}"
        raise DatabaseError(msg) from exc


def export_pages(
    pages: Iterable[Sequence[LogEvent]], database: PredictionDatabase, counts: ExportCounts
) -> Iterator[int]:
    """Write each page in its own transaction.

    Args:
        pages: Log events, oldest first.
        database: Receives the predictions.
        counts: Updated after each page.

    Yields:
        The time of each page's last event, in milliseconds.
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
                rows.append(_row(event, line))
    return rows


def _row(event: LogEvent, line: PredictionLine) -> Row:
    """Return a prediction as a row; its time is that of the log event, ISO 8601 in UTC."""
    time = datetime.fromtimestamp(event.timestamp_ms / 1_000, tz=UTC)
    return (
        event.event_id,
        line.request_id,
        time.isoformat(timespec="milliseconds"),
        *(line.features[name] for name in FEATURE_NAMES),
        line.price,
        *line.interval,
        line.model_version,
        line.stale,
        line.latency_ms,
        line.cold_start,
    )
