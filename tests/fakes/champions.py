"""A champion that prices rows by a formula, rows that it knows, and new ones."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from housing.schema import FEATURE_NAMES, PLACE
from retrain.training.anomaly.contradictions import Table
from retrain.training.anomaly.priced import Priced
from retrain.training.dataset.rows import Rows, Values
from retrain.training.gate.hold import Hold, KnownData, NewData, examine
from retrain.training.model.evaluation import Predictions
from retrain.training.rules import CopyRule, HoldRule

PLACE_COLUMNS = [FEATURE_NAMES.index(name) for name in PLACE]
RULE = HoldRule(score=3.5, copies=CopyRule(of_new=0.05, of_held_out=0.02))
CENTRE = (34.0, -118.0)
DEAREST = 5.0
_ERROR = 0.3
_HALF_WIDTH = 1.645 * _ERROR
_KNOWN_ROWS = 3_000


def rows_of(count: int, seed: int) -> Values:
    """Draw honest rows over two degrees around the centre, ``[n, 9]``."""
    rng = np.random.default_rng(seed)
    columns = {
        "MedInc": rng.lognormal(1.2, 0.4, count),
        "HouseAge": rng.integers(1, 53, count),
        "AveRooms": rng.lognormal(1.6, 0.2, count),
        "AveBedrms": rng.lognormal(0.05, 0.06, count),
        "Population": rng.lognormal(7, 0.7, count).round() + 3,
        "AveOccup": rng.lognormal(1, 0.25, count),
        "Latitude": CENTRE[0] + rng.uniform(-1, 1, count),
        "Longitude": CENTRE[1] + rng.uniform(-1, 1, count),
    }
    features = np.column_stack([columns[name] for name in FEATURE_NAMES])
    prices = _formula(features) + rng.normal(0, _ERROR, count)
    return np.column_stack([features, np.clip(prices, 0.15, DEAREST)])


def around(place: tuple[float, float], count: int, seed: int, *, degrees: float = 0.01) -> Values:
    """Draw honest rows around a place."""
    rows = rows_of(count, seed)
    rng = np.random.default_rng(seed)
    rows[:, PLACE_COLUMNS] = np.array(place) + rng.uniform(-degrees, degrees, (count, 2))
    return rows


def repriced(rows: Values, half_widths: float) -> Values:
    """Return rows whose prices lie so many half intervals off the champion's, negative below."""
    rows = rows.copy()
    rows[:, -1] = _formula(rows[:, :-1]) + half_widths * _HALF_WIDTH
    return rows


def examined(*uploads: Values, are_revised: bool = False, has_places: bool = True) -> Hold:
    """Examine uploads of new rows by a champion that knows 3,000 rows."""
    known, judges = known_rows()
    fitted = known[~judges]
    rows = np.concatenate(uploads)
    numbers = np.repeat(np.arange(len(uploads)), [len(upload) for upload in uploads])
    revised = np.full(len(rows), are_revised)
    return examine(
        NewData(_priced(rows, fitted), numbers, revised),
        KnownData(_priced(known[judges], fitted), Rows.of(known), judges),
        Table.of(Rows.of(known), FEATURE_NAMES, PLACE_COLUMNS if has_places else []),
        RULE,
    )


def known_rows() -> tuple[Values, NDArray[np.bool_]]:
    """Return the rows that the champion knows, and which of them judge."""
    known = rows_of(_KNOWN_ROWS, seed=1_000)
    return known, np.random.default_rng(1_000).random(len(known)) < 0.2


def _priced(rows: Values, fitted: Values) -> Priced:
    price = np.clip(_formula(rows[:, :-1]), 0, DEAREST)
    places = rows[:, PLACE_COLUMNS] * 100
    nearest, _ = cKDTree(fitted[:, PLACE_COLUMNS] * 100).query(places)
    lower, upper = (np.clip(price + side * _HALF_WIDTH, 0, DEAREST) for side in (-1, 1))
    return Priced(Rows.of(rows), Predictions(price, lower, upper, nearest))


def _formula(features: Values) -> Values:
    prices: Values = 0.8 + 0.4 * features[:, 0] + 0.01 * features[:, 1]
    return prices
