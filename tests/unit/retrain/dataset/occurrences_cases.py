"""Rows with equal features, in a table that may repeat them; ``test_occurrences`` runs these."""

from pathlib import Path

import numpy as np
import pytest

from fakes.uploads import KEY, snapshot_after, uploaded
from retrain.training.dataset.dataset import read_part, write_part
from retrain.training.dataset.rows import Values
from retrain.training.dataset.snapshot import Arrivals, Snapshot, snapshot_of
from retrain.training.upload.check import check_csv
from retrain.training.upload.distinct_rows import DistinctRows

MEN = [2.0, 1.0, 7.0]
WOMEN = [0.0, 0.0, np.nan]


def rows(features: list[float], *, survived: int, drowned: int) -> Values:
    return np.array([[*features, float(n < survived)] for n in range(survived + drowned)])


BOTH = np.concatenate([rows(MEN, survived=20, drowned=80), rows(WOMEN, survived=9, drowned=1)])


def passengers(count: int) -> Values:
    """Draw rows of which hardly one has features of its own."""
    random = np.random.default_rng(1)
    kinds = [random.integers(0, 3, count), random.integers(0, 2, count)]
    fares = random.choice([np.nan, 7.25, 8.05, 26.0, 80.5], count)
    return np.column_stack([*kinds, fares, random.integers(0, 2, count)])


def arrivals(*tables: Values) -> tuple[Snapshot, Arrivals]:
    uploads = [uploaded(table, number) for number, table in enumerate(tables)]
    snapshot, brought = snapshot_of(uploads, KEY)
    return snapshot, brought[uploads[-1].job_id]


def shares(snapshot: Snapshot) -> list[tuple[int, int]]:
    """Return how many men and women there are, and how many of them survived."""
    is_man = snapshot.rows[:, 1] == 1
    return [(int(one.sum()), int(snapshot.rows[one, -1].sum())) for one in (is_man, ~is_man)]


def test_rows_with_equal_features_and_targets_all_stay() -> None:
    snapshot, brought = arrivals(BOTH)

    assert shares(snapshot) == [(100, 20), (10, 9)]
    assert brought == Arrivals(new=110, revised=0, known=0)


@pytest.mark.parametrize(
    "again",
    [BOTH, BOTH[::-1], np.add(BOTH, (0, 0, 0.004, 0)), BOTH[:7]],
    ids=["the same", "another order", "other digits", "a part"],
)
def test_an_upload_that_comes_again_changes_nothing(again: Values) -> None:
    before = snapshot_after(BOTH)

    snapshot, brought = arrivals(BOTH, again)

    assert brought == Arrivals(new=0, revised=0, known=len(again))
    assert snapshot.dataset_id == before.dataset_id


def test_other_targets_revise_and_rows_beyond_those_known_are_new() -> None:
    more = rows(MEN, survived=50, drowned=80)
    revised = rows(WOMEN, survived=10, drowned=0)

    assert arrivals(BOTH, more)[1] == Arrivals(new=30, revised=0, known=100)
    snapshot, brought = arrivals(BOTH, revised)
    assert brought == Arrivals(new=0, revised=1, known=9)
    assert shares(snapshot) == [(100, 20), (10, 10)]
    assert shares(arrivals(BOTH, revised, BOTH)[0]) == shares(snapshot_after(BOTH))


def test_the_newest_of_many_whole_tables_stands() -> None:
    tables = [passengers(2_000) for _ in range(3)]
    random = np.random.default_rng(2)
    for table in tables:
        table[:, -1] = random.integers(0, 2, len(table))

    merged = snapshot_after(*tables)

    assert len(merged) == 2_000
    assert shares(merged) == shares(snapshot_after(tables[-1]))


def test_rows_with_equal_features_are_on_one_side() -> None:
    table = passengers(3_000)
    snapshot = snapshot_after(table[:1_000], table)

    sides = {
        (tuple(np.nan_to_num(row[:-1], nan=-1)), bool(held_out))
        for row, held_out in zip(snapshot.rows, snapshot.is_held_out, strict=True)
    }

    assert len(snapshot) == 3_000
    assert len(sides) == len({features for features, _ in sides}) == 30
    assert not snapshot.has_fitted_copy.any()
    assert 0 < snapshot.is_held_out.sum() < 3_000


@pytest.mark.parametrize("held_rows", [50, 1_000_000], ids=["in files", "in memory"])
def test_a_file_keeps_its_repeated_rows(tmp_path: Path, held_rows: int) -> None:
    (tmp_path / "spilled").mkdir()
    sorter = DistinctRows(tmp_path / "spilled", held_rows=held_rows)
    text = "class,sex,fare,survived\n" + "3rd,male,7,no\n" * 80 + "1st,female,,yes\n" * 40
    for block in np.array_split(check_csv(text.encode()).rows, 4):
        sorter.add(block)

    part = write_part(tmp_path / "part", sorter.in_order())

    stored = read_part(tmp_path / "part", part.digest, "a test")
    assert (part.rows, int(stored[:, -1].sum())) == (120, 40)
