"""The snapshot: repeated rows are the same rows, and copies are on one side."""

import os
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from fakes.tables import housing_table
from fakes.uploads import KEY, snapshot_after, uploaded
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset import identity
from retrain.training.dataset.identity import grouped
from retrain.training.dataset.rows import Values
from retrain.training.dataset.snapshot import Arrivals, Snapshot, near, snapshot_of
from subjects.california.sample import generate

ROWS = housing_table(600).to_numpy()


def significant(digits: int) -> Callable[[Values], Values]:
    def written(rows: Values) -> Values:
        return np.array([[float(f"%.{digits}g" % cell) for cell in row] for row in rows])

    return written


def fixed(decimals: int) -> Callable[[Values], Values]:
    return lambda rows: np.round(rows, decimals)


def as_census(rows: Values) -> Values:
    """Write quotients as the census file does: whole totals over whole households."""
    households = np.maximum(1, np.round(rows[:, 4] / rows[:, 5]))
    converted = rows.copy()
    for column in (2, 3):
        converted[:, column] = np.round(rows[:, column] * households, 2) / households
    converted[:, 8] = np.round(rows[:, 8] * 100_000) / 100_000
    return converted


RE_EXPORTS: dict[str, Callable[[Values], Values]] = {
    **{f"{digits} digits": significant(digits) for digits in (15, 9, 7, 6, 5, 4)},
    "%.4f": fixed(4),
    "%.2f": fixed(2),
    "float32": lambda rows: rows.astype(np.float32).astype(np.float64),
    "census": as_census,
    "shuffled": lambda rows: rows[np.random.default_rng(0).permutation(len(rows))],
    "twice in one file": lambda rows: np.concatenate([rows, significant(6)(rows)]),
}


def arrivals(*tables: Values) -> tuple[Snapshot, Arrivals]:
    """Return the snapshot of some tables, and what the last of them brought."""
    uploads = [uploaded(table, number) for number, table in enumerate(tables)]
    snapshot, brought = snapshot_of(uploads, KEY)
    return snapshot, brought[uploads[-1].job_id]


@pytest.fixture(params=["generated", "real"])
def table(request: pytest.FixtureRequest) -> Values:
    if request.param == "generated":
        return generate(3_000, seed=2).to_numpy()
    path = os.environ.get("HOUSING_DATA")
    if not path:
        pytest.skip("HOUSING_DATA names no CSV")
    return pd.read_csv(path)[list(CANONICAL_HEADER)].to_numpy(np.float64)


@pytest.mark.parametrize("export", RE_EXPORTS)
def test_rows_that_come_again_with_other_digits_are_known(table: Values, export: str) -> None:
    before = snapshot_after(table)

    after, brought = arrivals(table, RE_EXPORTS[export](table))

    assert brought.known + brought.revised >= 0.999 * (brought.known + brought.new)
    assert brought.revised <= 0.001 * len(table)
    assert len(after) <= 1.001 * len(before)
    assert after.dataset_id == before.dataset_id  # so that nothing is trained, nor goes live


@pytest.mark.parametrize("export", RE_EXPORTS)
def test_no_held_out_row_has_a_fitted_copy_in_a_re_export(table: Values, export: str) -> None:
    snapshot = snapshot_after(RE_EXPORTS[export](table), table)

    assert snapshot.has_fitted_copy.sum() <= 0.001 * snapshot.is_held_out.sum()
    assert not near(snapshot.rows[snapshot.judges], snapshot.rows[~snapshot.is_held_out]).any()


def test_a_file_that_holds_every_row_twice_is_one_data_set(table: Values) -> None:
    both = np.concatenate([table, significant(6)(table)])

    assert len(snapshot_after(both)) == len(snapshot_after(table))


def test_no_two_honest_rows_are_merged() -> None:
    rows = generate(100_000, seed=3).to_numpy()

    snapshot, brought = arrivals(rows)

    assert (len(snapshot), brought.new) == (100_000, 100_000)
    assert snapshot.has_fitted_copy.sum() == 0


def test_a_row_with_another_price_is_revised_and_the_newest_values_stand() -> None:
    newer = ROWS.copy()
    newer[:100, -1] *= 0.9

    snapshot, brought = arrivals(ROWS, newer)

    assert brought == Arrivals(new=0, revised=100, known=500)
    assert sorted(snapshot.rows[:, -1]) == sorted(newer[:, -1])
    assert snapshot.brought_by({"job-1"}).sum() == 100


def test_the_values_of_an_older_file_stand_again_when_it_is_uploaded_again() -> None:
    newer = ROWS.copy()
    newer[:, -1] *= 0.9

    snapshot = snapshot_after(ROWS, newer, ROWS)

    assert snapshot.dataset_id == snapshot_after(ROWS).dataset_id


def test_a_file_with_a_known_price_and_another_one_of_a_row_revises_nothing() -> None:
    other = ROWS[:50].copy()
    other[:, -1] *= 0.9

    _, brought = arrivals(ROWS, np.concatenate([ROWS, other]))

    assert (brought.new, brought.revised) == (0, 0)


def test_the_snapshot_does_not_depend_on_the_order_in_which_uploads_are_read() -> None:
    newer = ROWS.copy()
    newer[:100, -1] *= 0.9
    uploads = [uploaded(rows, number) for number, rows in enumerate((ROWS[:300], ROWS, newer))]

    snapshots = [snapshot_of(order, KEY)[0] for order in permutations(uploads)]

    assert len({(one.dataset_id, one.rows.tobytes(), one.uploads) for one in snapshots}) == 1


def test_the_snapshot_does_not_depend_on_how_distinct_rows_are_spread_over_files() -> None:
    whole = snapshot_after(ROWS)

    overlapping = snapshot_after(ROWS[:400], ROWS[200:], ROWS[:10])

    assert overlapping.dataset_id == whole.dataset_id
    assert overlapping.rows.tobytes() == whole.rows.tobytes()


def test_another_row_is_another_data_set() -> None:
    assert snapshot_after(ROWS[:599]).dataset_id != snapshot_after(ROWS).dataset_id


def test_minus_zero_is_zero() -> None:
    zero, minus_zero = ROWS[:1].copy(), ROWS[:1].copy()
    zero[0, 0], minus_zero[0, 0] = 0.0, -0.0

    assert len(snapshot_after(zero, minus_zero)) == 1


@pytest.mark.parametrize("apart", [0.002, 0.004])
def test_near_copies_go_to_the_side_of_the_original(apart: float) -> None:
    rng = np.random.default_rng(1)
    copies = ROWS.copy()
    for column in (0, 2, 3, 5):
        copies[:, column] *= 1 + apart * rng.choice([-1, 1], len(ROWS))
    copies[:, 6] += 0.006  # another cell of .01 degrees

    snapshot, brought = arrivals(ROWS, copies)

    assert brought.new > 500
    assert snapshot.has_fitted_copy.sum() <= 0.001 * len(ROWS)


def test_a_held_out_row_that_comes_to_have_a_fitted_copy_is_in_no_figure() -> None:
    """A row between two of different sides takes one's side; both have their sides already."""
    side = KEY.holds_out(ROWS)
    first = ROWS[np.flatnonzero(side)[:1]]
    second = first.copy()
    second[0, 6] += 0.08  # too far to be a near copy
    while KEY.holds_out(second)[0]:
        second[0, 6] += 0.01
    bridge = (first + second) / 2

    apart = snapshot_after(ROWS, second)
    joined = snapshot_after(ROWS, second, bridge)

    assert apart.has_fitted_copy.sum() == 0
    assert joined.has_fitted_copy.sum() == 1
    assert not near(joined.rows[joined.judges], joined.rows[~joined.is_held_out]).any()


def test_a_million_copies_of_one_row_take_linear_time() -> None:
    rng = np.random.default_rng(0)
    crowd = ROWS[:1] * (1 + rng.uniform(-1e-9, 1e-9, (50_000, 9)))

    snapshot, brought = arrivals(ROWS, crowd)

    assert (len(snapshot), brought.new) == (600, 0)


def test_groups_are_numbered_by_their_first_point() -> None:
    points = np.array([[0.0], [5.0], [0.9], [5.5], [9.0], [1.8]])

    assert grouped(points).tolist() == [0, 1, 0, 1, 2, 0]
    assert grouped(points[:1]).tolist() == [0]
    assert grouped(np.array([[0.0], [5.0]])).tolist() == [0, 1]


def test_the_sources_of_all_uploads_are_named() -> None:
    uploads = [
        uploaded(ROWS[:30], 0),
        uploaded(ROWS[30:60], 1, source="generated"),
        uploaded(ROWS[60:], 2),
    ]

    assert snapshot_of(uploads, KEY)[0].data_source == "generated+upload"


def test_groups_do_not_depend_on_how_many_points_are_asked_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = np.round(np.random.default_rng(0).uniform(0, 30, (500, 2)), 1)
    whole = grouped(points)

    monkeypatch.setattr(identity, "_ASKED_AT_ONCE", 7)

    assert len(np.unique(whole)) < len(points)
    assert np.array_equal(grouped(points), whole)


def test_an_empty_data_set_has_no_rows() -> None:
    snapshot, brought = snapshot_of([], KEY)

    assert (len(snapshot), brought) == (0, {})
