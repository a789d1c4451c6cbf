"""The categories that a part's codes stand for, kept in its file beside the codes."""

import json
from collections.abc import Mapping

import numpy as np

from housing.schema import CANONICAL_COLUMNS
from retrain.training.dataset.rows import Values
from retrain.training.errors import DatasetError

_KEY = b"categories"
LEVELS: dict[str, list[str]] = {
    column.name: list(column.categories)
    for column in CANONICAL_COLUMNS
    if column.kind == "category"
}
"""The categories of today's subject by column; empty where it has none."""


def as_metadata(levels: Mapping[str, list[str]]) -> dict[bytes, bytes] | None:
    """Return the file's metadata; None without categories."""
    return {_KEY: json.dumps(levels, ensure_ascii=False).encode()} if levels else None


def of_metadata(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the categories that a file was written with.

    Raises:
        ValueError: They are not what ``as_metadata`` writes.
    """
    text = (metadata or {}).get(_KEY)
    return {name: list(map(str, texts)) for name, texts in json.loads(text).items()} if text else {}


def of_today(rows: Values, levels: Mapping[str, list[str]], source: str) -> Values:
    """Return a part's rows with today's codes: that of *other* moves as categories are added.

    Args:
        rows: Rows with the codes of the file.
        levels: The categories of the file.
        source: Name of the file.

    Raises:
        DatasetError: Its categories are not the first ones of today's.
    """
    rows = rows.copy() if levels else rows
    for number, column in enumerate(CANONICAL_COLUMNS):
        if column.kind != "category":
            continue
        before = levels.get(column.name, [])
        if list(column.categories[: len(before)]) != before:
            msg = (
                f"{source} was written with the categories {', '.join(before)} of {column.name}, "
                f"and the subject begins with others: put these first, in this order, and add new "
                f"ones at the end; or rename the subject to start an empty data set"
            )
            raise DatasetError(msg)
        if column.unknown == "other":
            codes = rows[:, number]
            rows[:, number] = np.where(codes == len(before), column.other, codes)
    return rows
