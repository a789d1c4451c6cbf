"""Detect slightly shifted copies of known rows, which make a model look better than it is.

A new row is a copy within r if each of its columns is within r tolerances of a known row's. Honest
rows have such neighbours too; their rate is measured among the known rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from retrain.training.anomaly.misses import likelihood_ratio
from retrain.training.dataset.rows import Rows, Values
from retrain.training.rules import CopyRule

Mask = NDArray[np.bool_]

_SHARE = 0.05
"""Tolerance of a column: this share of the value, or of the known median if that is larger."""
_PRICE_SHARE = 0.03
_PLACE_DEGREES = 0.03
_RADII = (1 / 3, 1 / 2, 1.0, 1.5, 2.0)
_RADII_ELSEWHERE = (1 / 3, 1 / 2)
"""Radii for copies at another place: similar honest rows exist all over a country."""
_LEAST_ROWS = 20
ALLOWED = 2.0
"""Allowed multiple of the rate among known rows: some places are dense."""
_LEAST_RATIO = 4.0
"""Log likelihood ratio from which a share is not due to a few rows."""
_COMPARED = 4_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Copies:
    """New rows that are copies, at the radius with the largest excess.

    Attributes:
        are: Mask of copies, ``[n]``.
        expected: Expected share of copies by chance.
        are_too_many: Whether they exceed the rule's limits.
    """

    are: Mask
    expected: float
    are_too_many: bool

    @property
    def share(self) -> float:
        """Share of the new rows."""
        return float(self.are.mean()) if len(self.are) else 0.0


def find_copies(  # noqa: PLR0913 - new and known rows, and the rule
    new: Rows,
    uploads: NDArray[np.int64],
    known: Rows,
    is_held_out: Mask,
    *,
    place: Sequence[int],
    rule: CopyRule,
) -> Copies:
    """Find copies by all columns, and by all columns but the place.

    Args:
        new: New rows, none equal to a known one.
        uploads: Upload of each row, ``[n]``.
        known: Rows of the champion's snapshot.
        is_held_out: Mask of held-out known rows, ``[m]``.
        place: Columns of latitude and longitude; empty for a table without places.
        rule: Limits on the share of copies.
    """
    if min(len(new), len(known)) < _LEAST_ROWS:
        return Copies(np.zeros(len(new), dtype=bool), 0.0, are_too_many=False)
    tolerances = _tolerances(known, place)
    columns = np.arange(known.features.shape[1] + 1)
    ways: list[tuple[NDArray[np.int64], Sequence[float]]] = [(columns, _RADII)]
    if place:
        ways.append((np.setdiff1d(columns, place), _RADII_ELSEWHERE))
    points, others = _warped(new, *tolerances), _warped(known, *tolerances)
    alike = _compared(points, others, place)
    looks = [
        look
        for way, radii in ways
        for look in _looks(points[:, way], others[:, way], radii, alike, is_held_out, uploads, rule)
    ]
    return max(looks, key=lambda look: (look.are_too_many, look.share - ALLOWED * look.expected))


def _compared(new: Values, known: Values, place: Sequence[int]) -> NDArray[np.int64]:
    """Return the known rows from which the chance rate is measured: those nearest to new ones.

    The density of rows and values differs between places.
    """
    random = np.random.default_rng(_SEED)
    if not place:
        return random.permutation(len(known))[:_COMPARED]
    asked = new[random.permutation(len(new))[:_COMPARED]]
    _, nearest = cKDTree(known[:, place]).query(asked[:, place], [1, 2, 3])
    return np.unique(nearest)


def _looks(  # noqa: PLR0913, PLR0917 - new and known rows, and the rule
    new: Values,
    known: Values,
    radii: Sequence[float],
    compared: NDArray[np.int64],
    is_held_out: Mask,
    uploads: NDArray[np.int64],
    rule: CopyRule,
) -> Iterator[Copies]:
    """Yield the copies within each radius."""
    tree, reach = cKDTree(known), max(radii) * (1 + 1e-9)
    apart, of = tree.query(new, p=np.inf, distance_upper_bound=reach)
    among_known, _ = tree.query(known[compared], [2], p=np.inf, distance_upper_bound=reach)
    judging = is_held_out.sum(dtype=np.float64)
    for radius in radii:
        are = apart <= radius
        expected = float(((among_known <= radius).sum() + 2 / 3) / (len(compared) + 4 / 3))
        copied = is_held_out[np.unique(of[are])].sum(dtype=np.float64)
        by_chance = expected * len(new) * judging / len(known)
        broken = [_exceeds(copied, by_chance, judging, rule.of_held_out)]
        for group in (np.zeros_like(uploads), uploads):
            rows = np.bincount(group).astype(np.float64)
            count = np.bincount(group, are).astype(np.float64)
            too_many = _exceeds(count, expected * rows, rows, rule.of_new)
            broken.append(too_many & (rows >= _LEAST_ROWS))
        yield Copies(are, expected, are_too_many=any(one.any() for one in broken))


def _exceeds(count: Values, expected: Values, rows: Values, share: float) -> Mask:
    """Return the mask of counts that exceed the allowed share beyond chance."""
    allowed = ALLOWED * expected
    is_no_chance = likelihood_ratio(count, allowed) >= _LEAST_RATIO
    exceeds: Mask = is_no_chance & (count - allowed >= share * np.maximum(1, rows))
    return exceeds


def _tolerances(known: Rows, place: Sequence[int]) -> tuple[Values, Values]:
    """Return the absolute tolerance and the relative one of each column, price last."""
    values = np.column_stack([known.features, known.prices])
    shares = np.full(values.shape[1], _SHARE)
    shares[-1] = _PRICE_SHARE
    sizes = np.abs(values)
    middle = np.median(sizes, axis=0)
    middle = np.where(middle > 0, middle, sizes.mean(axis=0))
    absolute = np.where(middle > 0, middle, 1.0) * shares
    absolute[list(place)] = _PLACE_DEGREES
    shares[list(place)] = 0.0
    return absolute, shares


def _warped(rows: Rows, absolute: Values, shares: Values) -> Values:
    """Scale rows so that a distance of 1 is a column's tolerance, ``[n, m + 1]``.

    Linear where the tolerance is absolute, logarithmic beyond, as ``identity.positions``.
    """
    values = np.column_stack([rows.features, rows.prices])
    sizes = np.abs(values) / absolute
    with np.errstate(divide="ignore"):
        bend = 1 / shares  # infinite where the tolerance is absolute everywhere
    beyond = np.maximum(sizes / bend, 1.0)
    warped = np.where(beyond > 1, bend * (1 + np.log(beyond)), sizes)
    signed: Values = np.copysign(warped, values)
    return signed
