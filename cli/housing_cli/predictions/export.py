"""The SQLite database that predictions are exported to: one table, a row for each."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from housing.schema import FEATURE_NAMES
from housing_cli.errors import DatabaseError
from housing_cli.predictions.log_events import LogEvent
from housing_cli.predictions.prediction_line import PredictionLine

Row = tuple[str | float | bool, ...]

_TYPES = {
    "event_id": "TEXT PRIMARY KEY",
    "request_id": "TEXT NOT NULL",
    "timestamp": "TEXT NOT NULL",
    **dict.fromkeys(FEATURE_NAMES, "REAL NOT NULL"),
    "price": "REAL NOT NULL",
    "lower": "REAL NOT NULL",
    "upper": "REAL NOT NULL",
    "model_version": "TEXT NOT NULL",
    "stale": "INTEGER NOT NULL",
    "latency_ms": "REAL NOT NULL",
    "cold_start": "INTEGER NOT NULL",
}
COLUMNS = tuple(_TYPES)
_CREATE = "CREATE TABLE IF NOT EXISTS predictions ({})".format(
    ", ".join(f'"{name}" {kind}' for name, kind in _TYPES.items())
)
_INSERT = "INSERT OR IGNORE INTO predictions ({}) VALUES ({})".format(  # noqa: S608 - names of the schema, no input
    ", ".join(f'"{name}"' for name in COLUMNS), ", ".join("?" * len(COLUMNS))
)


def row(event: LogEvent, line: PredictionLine) -> Row:
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


class PredictionDatabase:
    """The table ``predictions``; a row's log event is its identity, so repeats change nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table if it is not there yet."""
        self._connection = connection
        connection.execute(_CREATE)

    def add(self, rows: Sequence[Row]) -> int:
        """Add the rows that are not there yet, all or none; return how many there were."""
        before = self._connection.total_changes
        with self._connection:
            self._connection.executemany(_INSERT, rows)
        return self._connection.total_changes - before


@contextmanager
def opened(path: Path) -> Iterator[PredictionDatabase]:
    """Open the database, or make it.

    Raises:
        DatabaseError: It cannot be opened or written, or is no such database.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            yield PredictionDatabase(connection)
    except sqlite3.Error as exc:
        msg = f"{path} cannot be written: {exc}"
        raise DatabaseError(msg) from exc
