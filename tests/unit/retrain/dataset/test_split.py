"""Fitting and held-out rows."""

import numpy as np
import pytest

from fakes.tables import housing_table
from fakes.uploads import KEY, snapshot_after
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.split import Split, split
from retrain.training.errors import TooFewRowsError

LATITUDE, LONGITUDE = 6, 7


def parted(rows: int, min_rows: int = 200) -> Split:
    return split(snapshot_after(housing_table(rows).to_numpy()), min_rows=min_rows)


def members(rows: Rows) -> set[bytes]:
    return {row.tobytes() for row in rows.features}


def test_the_parts_have_their_shares_and_every_row_is_in_one() -> None:
    parts = parted(5_000)

    assert len(parts.holdout) == pytest.approx(1_000, rel=0.1)
    assert len(parts.fitting) + len(parts.holdout) == 5_000
    assert not members(parts.holdout) & members(parts.fitting)


def test_rows_stay_in_their_part_when_the_data_set_grows() -> None:
    table = housing_table(1_000).to_numpy()
    before = split(snapshot_after(table[:400]), min_rows=200)

    after = split(snapshot_after(table[:400], table[400:]), min_rows=200)

    assert members(before.holdout) < members(after.holdout)
    assert members(before.fitting) < members(after.fitting)


def test_rows_of_one_place_lie_on_one_side() -> None:
    table = housing_table(400).to_numpy(copy=True)
    table[:, LATITUDE] = np.repeat(np.linspace(33, 42, 40), 10)
    table[:, LONGITUDE] = np.repeat(np.linspace(-124, -115, 40), 10)

    snapshot = snapshot_after(table)

    by_place: dict[float, set[bool]] = {}
    for row, is_held_out in zip(snapshot.rows, snapshot.is_held_out, strict=True):
        by_place.setdefault(row[LATITUDE], set()).add(bool(is_held_out))
    assert len(by_place) == 40
    assert all(len(sides) == 1 for sides in by_place.values())
    assert set.union(*by_place.values()) == {True, False}


def test_the_side_does_not_depend_on_the_price() -> None:
    table = housing_table(300).to_numpy()
    dearer = table.copy()
    dearer[:, -1] *= 1.5

    def sides(rows: Values) -> dict[bytes, bool]:
        snapshot = snapshot_after(rows)
        pairs = zip(snapshot.rows[:, :-1], snapshot.is_held_out, strict=True)
        return {row.tobytes(): bool(is_held_out) for row, is_held_out in pairs}

    assert sides(table) == sides(dearer)


def test_another_key_holds_out_other_places() -> None:
    rows = housing_table(1_000).to_numpy()

    other = HoldoutKey(b"another key", KEY.share)

    both = KEY.holds_out(rows) & other.holds_out(rows)
    assert both.mean() == pytest.approx(0.04, abs=0.02)
    assert other.id != KEY.id


def test_the_name_of_a_key_does_not_show_it() -> None:
    assert "a key of the tests" not in repr(KEY)
    assert len(KEY.id) == 16


def test_features_are_what_the_service_sends() -> None:
    parts = parted(300)

    assert parts.fitting.features.dtype == np.float32
    assert parts.fitting.features.shape[1] == 8


def test_too_few_rows_are_said_with_how_many_are_needed() -> None:
    with pytest.raises(TooFewRowsError, match="the data set has 12 rows, 200 are needed"):
        parted(12)


def test_a_part_that_is_too_small_is_said() -> None:
    with pytest.raises(TooFewRowsError, match="10 are needed"):
        parted(20, min_rows=10)
