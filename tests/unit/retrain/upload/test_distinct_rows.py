"""Distinct rows sorted through files, and the part of the data set."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fakes.tables import housing_table
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset import dataset
from retrain.training.dataset.dataset import PartFile, write_part
from retrain.training.dataset.rows import Values, distinct, first_of_each
from retrain.training.upload.distinct_rows import DistinctRows

ROWS: Values = housing_table(3_000).to_numpy()


def part_of(folder: Path, batches: list[Values], *, held_rows: int) -> PartFile:
    folder.mkdir()
    rows = DistinctRows(folder, held_rows=held_rows)
    for batch in batches:
        rows.add(batch)
    return write_part(folder / "part.parquet", rows.in_order())


@pytest.mark.parametrize("held_rows", [0, 700, 10_000])
@pytest.mark.parametrize("batches", [1, 7])
def test_a_part_is_the_same_whatever_passed_through_files(
    tmp_path: Path, held_rows: int, batches: int
) -> None:
    wanted, _ = distinct(ROWS)
    digest = hashlib.sha256(wanted.tobytes()).hexdigest()
    repeated = np.concatenate([ROWS, ROWS[:500], ROWS[::-1]])

    part = part_of(tmp_path / "new", np.array_split(repeated, batches), held_rows=held_rows)

    assert (part.digest, part.rows) == (digest, 3_000)
    assert np.array_equal(pd.read_parquet(part.path).to_numpy(), wanted)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["part.parquet"]


def test_minus_zero_is_zero_in_files_too(tmp_path: Path) -> None:
    zero, minus_zero = ROWS[:1].copy(), ROWS[:1].copy()
    zero[0, 0], minus_zero[0, 0] = 0.0, -0.0

    part = part_of(tmp_path / "new", [zero, minus_zero], held_rows=0)

    assert part.rows == 1


def test_no_rows_are_an_empty_part(tmp_path: Path) -> None:
    part = part_of(tmp_path / "new", [], held_rows=0)

    table = pd.read_parquet(part.path)
    assert (part.rows, tuple(table.columns)) == (0, CANONICAL_HEADER)


def test_rows_that_share_half_a_hash_stay_apart() -> None:
    hashes = np.array([[7, 2], [7, 1], [3, 9], [7, 2], [7, 1]], dtype=np.uint64)
    values = np.array([[2.0], [1.0], [0.0], [2.0], [1.0]])

    rows, kept = first_of_each(values, hashes)

    assert rows.ravel().tolist() == [0, 1, 2]
    assert kept.tolist() == [[3, 9], [7, 1], [7, 2]]


def test_small_batches_are_written_as_one_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "_GROUP_ROWS", 1_000)

    part = part_of(tmp_path / "new", np.array_split(ROWS, 7), held_rows=0)

    assert pq.ParquetFile(part.path).num_row_groups <= 4
