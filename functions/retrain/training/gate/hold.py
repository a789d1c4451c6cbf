"""The hold rule: new rows that contradict the champion, or copy known rows, wait for a person.

The champion predicts the new rows first. If misses of its interval cluster beyond chance
(``scan``), or many rows are copies of known ones (``copies``), a person has to decide: it may be
poison, or a market that moved.

Use, with the rows of all uploads that the champion has not seen::

    is_new = snapshot.brought_by(set(snapshot.uploads) - champion.uploads)
    rows, known = Rows.of(snapshot.rows[is_new]), Rows.of(snapshot.rows[~is_new])
    judges = snapshot.judges[~is_new]
    judging = Rows(known.features[judges], known.prices[judges])
    hold = examine(
        NewData(
            Priced(rows, champion.predict(rows.features)),
            uploads=snapshot.standing_upload[is_new],
            are_revised=(snapshot.first_upload != snapshot.standing_upload)[is_new],
        ),
        KnownData(Priced(judging, champion.predict(judging.features)), known, judges),
        Table.of(known, FEATURE_NAMES, COORDINATES),
        settings.hold_rule(),
    )
    if hold.is_held:
        status.held = held_of(hold, snapshot.uploads)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.jobs.results import MOST_HELD_JOBS, MOST_HELD_PLACES, Held, HeldPlace
from retrain.training.anomaly.clusters import Cluster, clusters_of, contributors
from retrain.training.anomaly.contradictions import Contradiction, Table, described, sentence
from retrain.training.anomaly.copies import ALLOWED, Copies, find_copies
from retrain.training.anomaly.majorities import LEAST_JUDGING, scan_majorities
from retrain.training.anomaly.misses import EITHER, LIMIT, Misses, MissRates, miss_sizes
from retrain.training.anomaly.priced import Priced
from retrain.training.anomaly.scan import (
    NewRows,
    scan_cells,
    scan_features,
    scan_places,
    weights_of,
)
from retrain.training.anomaly.shift import Baseline, scan_shifts
from retrain.training.anomaly.surprise import sentence_of_classes, surprising_uploads
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.metric import IS_CLASSIFICATION
from retrain.training.rules import HoldRule

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

_SUPPORTED_SHARE = 0.98
"""Only new rows within this quantile of the held-out rows' distance to the nearest training row are
examined: farther away the champion extrapolates, and honest rows of a new region contradict it."""
_RANKS = 101
_EVEN = 0.5
_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class NewData:
    """Rows to examine: of all uploads since the champion's own, and of its last ones.

    Attributes:
        priced: The n rows.
        uploads: Which upload brought each, ``[n]``, counted from 0.
        are_revised: Mask of known rows with another price, ``[n]``; they count as no copies.
    """

    priced: Priced
    uploads: Indices
    are_revised: Mask


@dataclass(frozen=True, slots=True)
class KnownData:
    """Rows of the champion's snapshot.

    Attributes:
        judging: The held-out rows.
        rows: All m rows.
        judges: Mask of the held-out rows, ``[m]``.
    """

    judging: Priced
    rows: Rows
    judges: Mask


@dataclass(frozen=True, slots=True)
class Hold:
    """Decision of the hold rule, with its figures.

    Attributes:
        reason: Why a person has to decide; empty if not.
        rows: Number of new rows.
        supported_rows: Number of new rows near enough to the champion's training rows.
        score: The highest score of all scans.
        score_limit: Score above which rows are held.
        miss_share: Share of the supported rows outside the champion's interval.
        expected_miss_share: The same by chance.
        copy_share: Share of the new rows that copy known ones.
        expected_copy_share: The same by chance.
        contradictions: Clusters of misses, the worst first.
        uploads: Uploads that caused this, ascending: their parts are held.
    """

    reason: str
    rows: int
    supported_rows: int
    score: float
    score_limit: float
    miss_share: float
    expected_miss_share: float
    copy_share: float
    expected_copy_share: float
    contradictions: tuple[Contradiction, ...]
    uploads: tuple[int, ...]

    @property
    def is_held(self) -> bool:
        """Return whether a person has to decide."""
        return bool(self.reason)


def examine(new: NewData, known: KnownData, table: Table, rule: HoldRule) -> Hold:
    """Examine new rows against the champion; at least one row has to be held out.

    Time grows linearly: 100,000 new rows take about 2 s of one core.
    """
    supported = _supported(new, known, table)
    scanned = supported.scanned
    score, contradictions = _contradictions(supported, table, rule.score)
    is_new = ~new.are_revised
    copies = find_copies(
        new.priced.rows.take(is_new),
        new.uploads[is_new],
        known.rows,
        known.judges,
        place=table.place,
        rule=rule.copies,
    )
    made = {number for one in contradictions for number in one.uploads}
    if copies.are_too_many:
        made |= _copiers(copies, new.uploads[is_new])
    are_outside, by_chance = _outside(supported)
    return Hold(
        reason=_reason(contradictions, copies, table),
        rows=len(new.priced),
        supported_rows=len(scanned),
        score=score,
        score_limit=rule.score,
        miss_share=_mean(are_outside),
        expected_miss_share=_mean(by_chance),
        copy_share=copies.share,
        expected_copy_share=copies.expected,
        contradictions=contradictions,
        uploads=tuple(sorted(made)),
    )


def held_of(hold: Hold, jobs: Sequence[str]) -> Held:
    """Return the part of a job's status that explains why its version is held.

    Args:
        hold: The decision.
        jobs: The job of each upload, by its number.
    """
    return Held(
        kind="data",
        reason=hold.reason,
        rows=hold.rows,
        supported_rows=hold.supported_rows,
        score=hold.score,
        score_limit=hold.score_limit,
        miss_share=hold.miss_share,
        copy_share=hold.copy_share,
        places=[
            HeldPlace(
                latitude=one.latitude,
                longitude=one.longitude,
                radius_km=one.radius_km,
                alike=one.alike,
                rows=one.rows,
                of_rows=one.of_rows,
                side=one.side,
                production_price=one.champion_price,
                upload_price=one.new_price,
                jobs=[jobs[number] for number in one.uploads[:MOST_HELD_JOBS]],
            )
            for one in hold.contradictions[:MOST_HELD_PLACES]
        ],
        jobs=[jobs[number] for number in hold.uploads[:MOST_HELD_JOBS]],
    )


@dataclass(frozen=True, slots=True)
class _Supported:
    """The n new rows that are examined.

    Attributes:
        priced: The rows with both prices.
        scanned: The rows' misses, as the scans take them.
        ranks: Their columns, evenly spread over 0 to 1, ``[n, m]``.
        points: Where they lie, ``[n, k]``: in place, or by rank if the table has no places.
        baseline: Offsets of the held-out rows.
        known: Where the champion's rows lie; None if few rows judge it, or there are no places.
    """

    priced: Priced
    scanned: NewRows
    ranks: Values
    points: Values
    baseline: Baseline
    known: Values | None


def _contradictions(
    supported: _Supported, table: Table, limit: float
) -> tuple[float, tuple[Contradiction, ...]]:
    """Return the highest score of all scans, and the contradictions that reach the limit."""
    if IS_CLASSIFICATION:
        score, of_uploads = surprising_uploads(
            supported.priced, supported.scanned.uploads, limit=limit
        )
        return score, tuple(of_uploads)
    score, clusters = _scan_in_rounds(supported, limit, has_places=bool(table.place))
    return score, tuple(
        described(one, supported.priced, supported.ranks, table) for one in clusters
    )


def _outside(supported: _Supported) -> tuple[Mask, Values]:
    """Return which rows lie outside the champion's interval, and how likely each was to.

    Of a classification: which rows are of the less likely class.
    """
    if IS_CLASSIFICATION:
        probabilities = supported.priced.predicted.price
        less_likely = np.minimum(probabilities, 1 - probabilities)
        return np.abs(supported.priced.rows.prices - probabilities) > _EVEN, less_likely
    scanned = supported.scanned
    are_outside = scanned.are_misses(np.arange(len(scanned)), EITHER, LIMIT)
    return are_outside, scanned.rates[scanned.uploads, EITHER, LIMIT]


def _supported(new: NewData, known: KnownData, table: Table) -> _Supported:
    """Return the new rows near enough to the champion's training rows."""
    judging, priced = known.judging, new.priced
    is_judging, is_near = np.ones(len(judging), dtype=bool), np.ones(len(priced), dtype=bool)
    if judging.predicted.nearest_km is not None and priced.predicted.nearest_km is not None:
        farthest = np.quantile(judging.predicted.nearest_km, _SUPPORTED_SHARE)
        is_judging = judging.predicted.nearest_km <= farthest
        is_near = priced.predicted.nearest_km <= farthest
    judging, priced = judging.take(is_judging), priced.take(is_near)
    spread = float(judging.rows.prices.std())

    def misses(of: Priced) -> Misses:
        sizes = miss_sizes(of.rows.prices, of.predicted, dearest=table.dearest, spread=spread)
        return Misses.of(sizes)

    misses_of_judging = misses(judging)
    rates = MissRates.measured(misses_of_judging, judging.rows.prices)
    uploads = new.uploads[is_near]
    count = int(new.uploads.max(initial=0)) + 1
    chance = rates.of_uploads(priced.rows.prices, uploads, count)
    ranks = _ranks(priced.rows.features, known.rows.features)
    weights, known_points = np.ones(len(priced)), None
    if table.place:
        points = table.kilometres(priced.rows.features)
        points_of_judging = table.kilometres(judging.rows.features)
        known_points = table.kilometres(known.rows.features)
        if len(priced):
            weights = weights_of(points, known_points)
    else:
        points, points_of_judging = ranks, _ranks(judging.rows.features, known.rows.features)
    return _Supported(
        priced=priced,
        scanned=NewRows(misses(priced), uploads, chance, weights),
        ranks=ranks,
        points=points,
        baseline=Baseline.measured(misses_of_judging, judging.rows.prices, points_of_judging),
        known=known_points if len(judging) >= LEAST_JUDGING else None,
    )


def _ranks(features: NDArray[np.float32], known: NDArray[np.float32]) -> Values:
    """Return the share of the known rows below each value, ``[n, m]``."""
    shares = np.linspace(0, 1, _RANKS)
    quantiles = np.quantile(known, shares, axis=0)
    columns = zip(features.T, quantiles.T, strict=True)
    return np.column_stack([np.interp(column, points, shares) for column, points in columns])


def _scan_in_rounds(
    supported: _Supported, limit: float, *, has_places: bool
) -> tuple[float, list[Cluster]]:
    """Scan, set the uploads that caused a cluster aside, and scan the others until none is left.

    So every held upload has caused a cluster, and no other has.
    """
    best, clusters = -np.inf, []
    left = np.arange(len(supported.scanned))
    for _ in range(_MOST_ROUNDS):
        if not len(left):
            break
        rows, points = supported.scanned.take(left), supported.points[left]
        ranks, prices = supported.ranks[left], supported.priced.rows.prices[left]
        scan_nearest = scan_places if has_places else scan_features
        scans = [
            scan_nearest(rows, points, limit=limit),
            scan_cells(rows, ranks, limit=limit),
            scan_shifts(rows, prices, points, supported.baseline, limit=limit),
        ]
        if supported.known is not None:
            scans.append(scan_majorities(rows, points, supported.known, limit=limit))
        best = max(best, *(scan.best for scan in scans))
        made = clusters_of([one for scan in scans for one in scan.windows], rows)
        if not made:
            break
        clusters += [one.moved(left) for one in made]
        is_set_aside = np.isin(rows.uploads, np.concatenate([one.uploads for one in made]))
        left = left[~is_set_aside]
    return float(best), clusters


def _copiers(copies: Copies, uploads: Indices) -> set[int]:
    """Return the uploads that contain the copies."""
    rows = np.bincount(uploads).astype(np.float64)
    count = np.bincount(uploads, copies.are).astype(np.float64)
    return set(contributors(count, rows * copies.expected * ALLOWED).tolist())


def _reason(contradictions: Sequence[Contradiction], copies: Copies, table: Table) -> str:
    """Return the reason of a hold, empty without one."""
    parts = []
    if contradictions:
        more = len(contradictions) - 1
        others = f" (and {more} more {'place' if more == 1 else 'places'})" if more else ""
        worst = contradictions[0]
        text = sentence_of_classes(worst) if IS_CLASSIFICATION else sentence(worst, table)
        parts.append(f"{text}{others}")
    if copies.are_too_many:
        parts.append(
            f"{copies.are.sum():,} of {len(copies.are):,} new rows ({copies.share:.0%}) are copies "
            f"of known ones with small changes, {copies.expected:.1%} expected by chance"
        )
    return "; ".join(parts)


def _mean(values: Values | Mask) -> float:
    return float(values.mean()) if len(values) else 0.0
