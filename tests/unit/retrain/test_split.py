"""Which rows fit, calibrate and judge."""

import numpy as np
import pytest

from fakes.tables import housing_table
from retrain.training.dataset.dataset import Part, Snapshot, snapshot_of
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.split import Split, split
from retrain.training.errors import TooFewRowsError


def snapshot(rows: int) -> Snapshot:
    return snapshot_of([Part("dataset/a", housing_table(rows).to_numpy(), "upload", "a")])


def parted(rows: int, min_rows: int = 200) -> Split:
    return split(snapshot(rows), holdout_share=0.2, min_rows=min_rows)


def members(rows: Rows) -> set[bytes]:
    return {row.tobytes() for row in rows.features}


def test_the_parts_have_their_shares_and_every_row_is_in_one() -> None:
    parts = parted(5_000)

    assert len(parts.holdout) == pytest.approx(1_000, rel=0.1)
    assert len(parts.fitting) + len(parts.holdout) == 5_000
    assert not members(parts.holdout) & members(parts.fitting)


def test_rows_stay_in_their_part_when_the_data_set_grows() -> None:
    table = housing_table(1_000).to_numpy()
    small = snapshot_of([Part("dataset/a", table[:400], "upload", "a")])
    before = split(small, holdout_share=0.2, min_rows=200)

    after = parted(1_000)

    assert members(before.holdout) < members(after.holdout)
    assert members(before.fitting) < members(after.fitting)


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
