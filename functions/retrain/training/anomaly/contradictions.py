"""Describe clusters of misses: location, counts and both prices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retrain.training.anomaly.clusters import Cluster
from retrain.training.anomaly.misses import ABOVE, BELOW, SIZES
from retrain.training.anomaly.priced import Priced
from retrain.training.dataset.rows import Rows, Values

Side = Literal["below", "above", "outside"]

_KM_PER_DEGREE = 111.2
_RADIUS_SHARE = 0.9
_NARROW_RANKS = 0.35
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Table:
    """The columns and units that the hold rule uses.

    Attributes:
        names: Names of the feature columns.
        place: Columns of latitude and longitude; empty for a table without places.
        dearest: Upper bound of the champion's limits.
        latitude: Latitude at which a degree of longitude is measured.
        price_text: Formats a price.
    """

    names: Sequence[str]
    place: Sequence[int]
    dearest: float
    latitude: float
    price_text: Callable[[float], str]

    @classmethod
    def of(
        cls,
        known: Rows,
        names: Sequence[str],
        place: Sequence[int],
        price_text: Callable[[float], str] = "{:.4g}".format,
    ) -> "Table":
        """Derive the table from rows of the champion's snapshot."""
        latitude = float(np.median(known.features[:, place[0]])) if place else 0.0
        return cls(names, place, float(known.prices.max()), latitude, price_text)

    def kilometres(self, features: NDArray[np.float32]) -> Values:
        """Return the rows' locations in km, ``[n, 2]``, north and east."""
        shrink = np.cos(np.deg2rad(self.latitude))
        places = features[:, list(self.place)].astype(np.float64)
        points: Values = places * [_KM_PER_DEGREE, _KM_PER_DEGREE * shrink]
        return points


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A cluster of misses.

    Attributes:
        latitude: Latitude of its centre; None for rows that are not close in place.
        longitude: Longitude of its centre, likewise.
        radius_km: Radius that contains nine in ten of the misses.
        alike: Common values of the rows, if they are not close in place.
        side: Side of the champion's price on which the misses are.
        size: Smallest distance from that price, in half intervals.
        rows: Number of misses.
        of_rows: Number of new rows in the cluster.
        expected: Expected number of misses by chance.
        champion_price: The champion's median price of the misses.
        new_price: The uploads' median price of the misses.
        uploads: Numbers of the uploads that caused it.
    """

    latitude: float | None
    longitude: float | None
    radius_km: float | None
    alike: str | None
    side: Side
    size: float
    rows: int
    of_rows: int
    expected: float
    champion_price: float
    new_price: float
    uploads: tuple[int, ...]


def described(cluster: Cluster, priced: Priced, ranks: Values, table: Table) -> Contradiction:
    """Describe a cluster.

    Args:
        cluster: The cluster, with row numbers.
        priced: All rows.
        ranks: Columns as ranks in 0 … 1, ``[n, m]``.
        table: The table.
    """
    misses = cluster.misses
    latitude = longitude = radius = alike = None
    if cluster.window.is_near:
        places = priced.rows.features[misses][:, list(table.place)].astype(np.float64)
        latitude, longitude = (float(number) for number in np.median(places, axis=0))
        points = table.kilometres(priced.rows.features[misses])
        apart = np.linalg.norm(points - np.median(points, axis=0), axis=1)
        radius = float(np.quantile(apart, _RADIUS_SHARE))
    else:
        alike = _alike(priced.rows.features[misses], ranks[misses], table.names)
    side: Side = "outside"
    if cluster.window.side in (BELOW, ABOVE):
        side = "below" if cluster.window.side == BELOW else "above"
    return Contradiction(
        latitude=latitude,
        longitude=longitude,
        radius_km=radius,
        alike=alike,
        side=side,
        size=float(SIZES[cluster.window.size]),
        rows=len(misses),
        of_rows=len(cluster.rows),
        expected=cluster.expected,
        champion_price=float(np.median(priced.predicted.price[misses])),
        new_price=float(np.median(priced.rows.prices[misses])),
        uploads=tuple(int(number) for number in cluster.uploads),
    )


def sentence(one: Contradiction, table: Table) -> str:
    """Return a sentence that describes a contradiction."""
    where = f"with {one.alike}"
    if one.latitude is not None and one.longitude is not None:
        where = f"within {one.radius_km:.1f} km of {one.latitude:.3f}, {one.longitude:.3f}"
    new, champion = table.price_text(one.new_price), table.price_text(one.champion_price)
    side = "off" if one.side == "outside" else one.side
    return (
        f"{one.rows:,} of {one.of_rows:,} new rows {where} are over {one.size:g} half intervals "
        f"{side} production's price, {one.expected:.1f} expected by chance: median {new}, "
        f"production's {champion}"
    )


def _alike(features: NDArray[np.float32], ranks: Values, names: Sequence[str]) -> str:
    """Return the columns in which rows differ least, with their ranges."""
    low, high = np.quantile(ranks, [0.1, 0.9], axis=0)
    narrow = [
        column for column in np.argsort(high - low) if high[column] - low[column] <= _NARROW_RANKS
    ]
    if not narrow:
        return "all kinds of values"
    ranges = np.quantile(features, [0.1, 0.9], axis=0)
    return ", ".join(
        f"{names[column]} {ranges[0, column]:.4g} to {ranges[1, column]:.4g}"
        for column in narrow[:_MOST_NAMED]
    )
