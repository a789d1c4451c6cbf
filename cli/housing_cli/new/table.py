"""Read a CSV of any columns, in the encodings and with the delimiters that an upload may have."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from housing_cli.errors import DataFileError
from housing_cli.user_file import reading
from retrain.training.settings import TrainingSettings
from retrain.training.upload.exact_reading import blocks_of
from retrain.training.upload.fetch import opened
from retrain.training.upload.header import DELIMITERS

_SAMPLE_LINES = 50


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts: the cells of each column, trimmed, by name, in the file's order."""

    path: Path
    rows: int
    columns: dict[str, list[str]]
    nameless: int
    """Number of columns without a name, which are left out."""
    ragged: int
    """Number of lines with another number of fields, which are left out."""
    delimiter: str


def read_table(path: Path) -> Table:
    """Read a CSV whose first line is its header.

    Raises:
        DataFileError: It is missing or unreadable, or its header has a name twice.
    """
    settings = TrainingSettings.model_validate({"bucket": "none", "tracking_uri": "http://none"})
    with reading(path), opened(path, settings.upload_limits()) as (stream, _):
        text = b"".join(blocks_of(stream, [])).decode()
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    delimiter = max(DELIMITERS, key=lambda one: _fit(lines[:_SAMPLE_LINES], one))
    try:
        records = list(_records(lines, delimiter))
    except csv.Error as exc:
        msg = f"cannot read {path}: {exc}"
        raise DataFileError(msg) from exc
    if not records:
        msg = f"{path} is empty"
        raise DataFileError(msg)
    return _table(path, records[0], records[1:], delimiter)


def _records(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _fit(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Return how many lines have as many fields as the first, and how many that are."""
    try:
        records = list(islice(_records(lines, delimiter), _SAMPLE_LINES))
    except csv.Error:
        return 0, 0
    width = len(records[0]) if records else 0
    return (sum(len(one) == width for one in records) if width > 1 else 0), width


def _table(path: Path, header: list[str], rows: list[list[str]], delimiter: str) -> Table:
    names = [name.strip() for name in header]
    if rows and all(len(row) == len(names) + 1 for row in rows):  # R's row names have no name
        names = ["", *names]
    times = Counter(name.casefold() for name in names if name)
    twice = [name for name in names if times[name.casefold()] > 1]
    if twice:
        msg = f"{path} has the column {twice[0]} more than once: rename one, or take it out"
        raise DataFileError(msg)
    whole = [row for row in rows if len(row) == len(names)]
    return Table(
        path=path,
        rows=len(whole),
        columns={
            name: [row[place].strip() for row in whole] for place, name in enumerate(names) if name
        },
        nameless=names.count(""),
        ragged=len(rows) - len(whole),
        delimiter=delimiter,
    )
