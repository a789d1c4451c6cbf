"""A coarse overview of the rows that a model was fitted on: a histogram, and a map of places.

The graph carries it as metadata, so that whoever serves the model has it, whatever the registry
answers. Values are rounded to one of 26 levels: a cell with a single row does not tell its target.
"""

import json
import string
from typing import Any

import numpy as np
from numpy.typing import NDArray

from housing.schema import FEATURE_NAMES, GEOGRAPHY, PLACE, SUBJECT
from housing.subject import Geography
from retrain.training.dataset.rows import Rows

BINS = 24
CELLS = 96
"""Cells of the map along its longer side."""
LEVELS = string.ascii_uppercase
EMPTY = "."
_RARE = 2.0
"""Percent of the targets, and of the cells' means, at either end that share the outermost level."""
_DIGITS = 6
_MOST_ROWS = 250_000
"""Of more rows every second, third … one is looked at."""


def overview(rows: Rows) -> str:
    """Return the overview of rows as JSON; ``predict.http.routes.subject`` describes it."""
    step = -(-len(rows) // _MOST_ROWS)
    features, targets = rows.features[::step], rows.prices[::step]
    table = {"rows": len(rows), "targets": _histogram(targets)}
    if GEOGRAPHY:
        table["map"] = _map(features, targets, GEOGRAPHY)
    return json.dumps(table, separators=(",", ":"))


def _histogram(targets: NDArray[np.float64]) -> dict[str, Any]:
    """Count targets in bins of equal width; those at the ends hold all that is beyond them."""
    if SUBJECT.task == "classification":
        positive = int(np.count_nonzero(targets))
        return {"low": 0.0, "high": 1.0, "counts": [len(targets) - positive, positive]}
    low, high = _usual(targets)
    counts, _ = np.histogram(np.clip(targets, low, high), bins=BINS, range=(low, high))
    return {"low": _rounded(low), "high": _rounded(high), "counts": counts.tolist()}


def _map(
    features: NDArray[np.floating[Any]], targets: NDArray[np.float64], geography: Geography
) -> dict[str, Any]:
    """Draw the mean target of each cell as a letter, from north to south and west to east."""
    latitudes, longitudes = (features[:, FEATURE_NAMES.index(name)] for name in PLACE)
    narrowing = np.cos(np.radians(geography.middle_latitude))
    south, west = latitudes.min(), longitudes.min()
    longer = max(np.ptp(latitudes), np.ptp(longitudes) * narrowing)
    height = longer / CELLS or 1.0
    width = height / narrowing
    down = ((latitudes - south) / height).astype(np.int64)
    right = ((longitudes - west) / width).astype(np.int64)
    lines, columns = int(down.max()) + 1, int(right.max()) + 1
    cells = down * columns + right
    counts = np.bincount(cells, minlength=lines * columns)
    sums = np.bincount(cells, weights=targets, minlength=lines * columns)
    means = sums[counts > 0] / counts[counts > 0]
    low, high = _usual(means)
    letters = np.full(lines * columns, EMPTY)
    shares = np.clip((means - low) / (high - low), 0, 1)
    letters[counts > 0] = np.array(list(LEVELS))[np.round(shares * (len(LEVELS) - 1)).astype(int)]
    return {
        "south": _rounded(south),
        "west": _rounded(west),
        "cell_height": _rounded(height),
        "cell_width": _rounded(width),
        "low": _rounded(low),
        "high": _rounded(high),
        "lines": ["".join(line) for line in letters.reshape(lines, columns)[::-1]],
    }


def _usual(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the limits between which all but the rare values lie; they differ."""
    low, high = np.percentile(values, [_RARE, 100 - _RARE])
    return float(low), float(high if high > low else low + 1)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
