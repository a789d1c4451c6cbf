"""The snapshot: every row of the data set once, whatever its rounding, with its side of the split.

Uploads are read in their order. A row that exists already is *known* and changes nothing; one that
exists with another target is *revised*, and the latest upload's values win. A new row that is a
near copy of an existing one takes its side; every other one is held out or fitted by a keyed hash
of its place, so that copies are on one side. Copies that are on both sides all the same, because
two rows of different sides got a common neighbour, count in no figure. Where a subject's rows may
repeat, the occurrence is a part of a row's identity.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from housing.schema import FEATURES, REPEATS
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.identity import (
    NONE,
    Indices,
    PointIndex,
    firsts_of,
    grouped,
    is_same_target,
    near_positions,
    positions,
)
from retrain.training.dataset.occurrences import Occurrences
from retrain.training.dataset.rows import Hashes, Values, hash_rows

_MOST_CHARACTERS = 300


def joined(sources: Iterable[str]) -> str:
    """Join the distinct sources of uploads; count those that do not fit."""
    names = sorted(set(sources))
    line = names[0] if names else ""
    for hidden, name in zip(range(len(names) - 1, 0, -1), names[1:], strict=True):
        if len(line) + 1 + len(name) > _MOST_CHARACTERS:
            return f"{line} and {hidden} more"
        line = f"{line}+{name}"
    return line


Mask = NDArray[np.bool_]


class RowSource(Protocol):
    """The accepted rows of one upload, as ``distinct`` returns them."""

    @property
    def job_id(self) -> str:
        """The upload's job."""
        ...

    @property
    def part(self) -> str:
        """Digest of the rows; uploads of equal rows share a part."""
        ...

    @property
    def source(self) -> str:
        """Origin of the rows."""
        ...

    @property
    def uploaded_at(self) -> datetime:
        """Time of the upload."""
        ...

    @property
    def rows(self) -> Values:
        """The rows, ``[n, columns]``; they may be read now."""
        ...


@dataclass(frozen=True, slots=True)
class UploadedRows:
    """The same of rows that are in memory."""

    job_id: str
    part: str
    rows: Values
    source: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every row of the data set, in the order of the hashes.

    Attributes:
        rows: ``[n, 9]``.
        is_held_out: Mask of held-out rows, ``[n]``; the others are fitted.
        has_fitted_copy: Mask of held-out rows with a near copy among the fitted, ``[n]``.
        first_upload: First upload of a row, ``[n]``, as an index into ``uploads``.
        standing_upload: Upload of the row's current values, ``[n]``.
        uploads: Job ids of the uploads, in their order.
        dataset_id: SHA-256 over the rows and their sides.
        data_source: Sources of the rows.
        key_id: Id of the split's key.
    """

    rows: Values
    is_held_out: Mask
    has_fitted_copy: Mask
    first_upload: Indices
    standing_upload: Indices
    uploads: tuple[str, ...]
    dataset_id: str
    data_source: str
    key_id: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def judges(self) -> Mask:
        """Mask of rows that judge: held out, without a near copy among the fitted ones."""
        judging: Mask = self.is_held_out & ~self.has_fitted_copy
        return judging

    def brought_by(self, job_ids: Collection[str]) -> Mask:
        """Return the mask of rows that some jobs brought, as new rows or as current values."""
        wanted = np.array([job_id in job_ids for job_id in self.uploads], dtype=bool)
        brought: Mask = wanted[self.first_upload] | wanted[self.standing_upload]
        return brought


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Counts of an upload's distinct rows that are new, revised or known."""

    new: int
    revised: int
    known: int


def snapshot_of(
    uploads: Sequence[RowSource], key: HoldoutKey
) -> tuple[Snapshot, dict[str, Arrivals]]:
    """Merge uploads into a snapshot; return it with the arrivals of each job.

    Args:
        uploads: Uploads in any order; they are merged in the order of their times.
        key: Key of the held-out split.
    """
    ordered = sorted(uploads, key=lambda upload: (upload.uploaded_at, upload.job_id))
    building = _Building(key)
    arrivals = {one.job_id: building.add(number, one.rows) for number, one in enumerate(ordered)}
    snapshot = building.snapshot(ordered)
    return snapshot, arrivals


class _Building:
    """Builds a snapshot: the rows so far, with their index."""

    def __init__(self, key: HoldoutKey) -> None:
        self._key = key
        self._index = PointIndex()
        self._near = PointIndex()
        self._points_of = Occurrences().positions if REPEATS else positions
        self._rows: Values | None = None
        self._held_out = np.empty(0, bool)
        self._first = np.empty(0, np.int64)
        self._standing = np.empty(0, np.int64)

    def add(self, number: int, rows: Values) -> Arrivals:
        """Add the rows of the next upload."""
        points = self._points_of(rows)
        at = self._index.find(points)
        is_there = at != NONE
        revised = self._revise(number, rows[is_there], at[is_there])
        new = self._add_new(number, *_only(~is_there, rows, points))
        return Arrivals(new=new, revised=revised, known=len(rows) - new - revised)

    def snapshot(self, uploads: Sequence[RowSource]) -> Snapshot:
        """Return the snapshot of all added rows."""
        rows = self._rows if self._rows is not None else np.empty((0, 0))
        self._index, self._near, self._rows = PointIndex(), PointIndex(), None
        hashes = hash_rows(rows) if len(rows) else np.empty((0, 2), np.uint64)
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        held_out = self._held_out[order]
        rows = rows[order]
        return Snapshot(
            rows=rows,
            is_held_out=held_out,
            has_fitted_copy=_have_fitted_copy(rows, held_out),
            first_upload=self._first[order],
            standing_upload=self._standing[order],
            uploads=tuple(one.job_id for one in uploads),
            dataset_id=_dataset_id(hashes[order], held_out),
            data_source=joined(one.source for one in uploads),
            key_id=self._key.id,
        )

    def _revise(self, number: int, rows: Values, at: Indices) -> int:
        """Replace the values of rows whose target has changed; return their number."""
        if not len(rows) or self._rows is None:
            return 0
        is_same = is_same_target(rows[:, -1], self._rows[at, -1])
        confirmed = np.unique(at[is_same])  # a file that has both changes nothing
        differs = ~is_same & ~np.isin(at, confirmed)
        which, first = np.unique(at[differs], return_index=True)
        self._rows[which] = rows[differs][first]
        self._standing[which] = number
        return len(which)

    def _add_new(self, number: int, rows: Values, points: Values) -> int:
        """Add new rows, each once; return their number."""
        if not len(rows):
            return 0
        first = firsts_of(grouped(points))
        if len(first) < len(rows):
            rows, points = rows[first], points[first]
        near = near_positions(points[:, : len(FEATURES)])
        self._held_out = np.concatenate([self._held_out, self._sides(rows, near)])
        self._index.add(points)
        self._near.add(near)
        self._rows = _appended(self._rows, rows)
        origin = np.full(len(rows), number, np.int64)
        self._first = np.concatenate([self._first, origin])
        self._standing = np.concatenate([self._standing, origin])
        return len(rows)

    def _sides(self, rows: Values, near: Values) -> Mask:
        """Return the mask of new rows that are held out: near copies together, others by place."""
        at = self._near.find(near)
        inherits = at != NONE
        side = self._key.holds_out(rows)
        side[inherits] = self._held_out[at[inherits]]
        group = grouped(near)
        if not inherits.any() and group[-1] == len(group) - 1:  # every row is a group
            return side
        # Of a group the first row that inherits decides, else the first row.
        order = np.lexsort((np.arange(len(group)), ~inherits, group))
        _, leads = np.unique(group[order], return_index=True)
        decided: Mask = side[order[leads]][group]
        return decided


def _only(mask: Mask, *arrays: Values) -> list[Values]:
    """Return some rows of arrays; the arrays themselves where it is all."""
    return list(arrays) if mask.all() else [array[mask] for array in arrays]


def _appended(rows: Values | None, more: Values) -> Values:
    """Return rows with more behind them, in memory of their own.

    It has room for as many again, which takes no memory before it is written: a data set of many
    uploads is not copied by each.
    """
    count = 0 if rows is None else len(rows)
    room = rows.base if rows is not None and isinstance(rows.base, np.ndarray) else None
    if room is None or len(room) < count + len(more):
        room = np.empty((2 * (count + len(more)), more.shape[1]))
        if rows is not None:
            room[:count] = rows
    room[count : count + len(more)] = more
    appended: Values = room[: count + len(more)]
    return appended


def near(rows: Values, others: Values) -> Mask:
    """Return the mask of rows with a near copy among others, ``[n]``."""
    index = PointIndex()
    index.add(near_positions(positions(others)))
    is_near: Mask = index.find(near_positions(positions(rows))) != NONE
    return is_near


def _have_fitted_copy(rows: Values, is_held_out: Mask) -> Mask:
    has_copy = np.zeros(len(rows), bool)
    if len(rows):
        has_copy[is_held_out] = near(rows[is_held_out], rows[~is_held_out])
    return has_copy


def _dataset_id(hashes: Hashes, is_held_out: Mask) -> str:
    content = hashlib.sha256(hashes.astype(">u8").tobytes())
    content.update(np.packbits(is_held_out).tobytes())
    return content.hexdigest()
