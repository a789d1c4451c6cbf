"""Clusters of misses as people read them: where, how many, and both prices."""

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
    """A table, as far as the hold rule has to know it.

    Attributes:
        names: Of the feature columns.
        place: Columns of latitude and longitude; none for a table without places.
        dearest: No upper limit of the champion's is above this price.
        latitude: Where a degree of longitude is measured.
        price_text: Writes a price for people.
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
        """Describe the table by rows that the champion knows."""
        latitude = float(np.median(known.features[:, place[0]])) if place else 0.0
        return cls(names, place, float(known.prices.max()), latitude, price_text)

    def kilometres(self, features: NDArray[np.float32]) -> Values:
        """Return where rows lie on a plane, ``[n, 2]``, north and east."""
        shrink = np.cos(np.deg2rad(self.latitude))
        places = features[:, list(self.place)].astype(np.float64)
        points: Values = places * [_KM_PER_DEGREE, _KM_PER_DEGREE * shrink]
        return points


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A cluster of misses.

    Attributes:
        latitude: Of its middle; None where the rows do not lie together.
        longitude: The same.
        radius_km: Nine in ten of the misses lie within it.
        alike: What the rows have in common otherwise.
        side: Of the champion's price that the misses lie on.
        size: How many half intervals they are off, at least.
        rows: Number of misses.
        of_rows: Number of new rows among which they are.
        expected: Number of misses by chance.
        champion_price: The champion's median price of the misses.
        new_price: Their own median price.
        uploads: Numbers of the uploads that made it.
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
        cluster: Its rows by number.
        priced: All rows.
        ranks: Their columns, evenly spread over 0 to 1, ``[n, m]``.
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
        champion_price=float(np.median(priced.said.price[misses])),
        new_price=float(np.median(priced.rows.prices[misses])),
        uploads=tuple(int(number) for number in cluster.uploads),
    )


def sentence(one: Contradiction, table: Table) -> str:
    """Say a contradiction in words."""
    where = f"with {one.alike}"
    if one.latitude is not None and one.longitude is not None:
        where = f"within {one.radius_km:.1f} km of {one.latitude:.3f}, {one.longitude:.3f}"
    new, champion = table.price_text(one.new_price), table.price_text(one.champion_price)
    side = "off" if one.side == "outside" else one.side
    return (
        f"{one.rows:,} of {one.of_rows:,} new rows {where} lie over {one.size:g} half intervals "
        f"{side} production's price, where chance gives {one.expected:.1f}: {new} in the middle, "
        f"and production says {champion}"
    )


def _alike(features: NDArray[np.float32], ranks: Values, names: Sequence[str]) -> str:
    """Name the columns in which rows differ least, with the range of most of them."""
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
