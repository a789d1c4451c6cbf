"""The held uploads of a snapshot, with a champion of known prices."""

import numpy as np

from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from fakes.uploads import FIRST_UPLOAD, KEY, uploaded
from housing.registry.port import ModelVersion
from retrain.training.dataset.rows import Values
from retrain.training.dataset.snapshot import Snapshot, snapshot_of
from retrain.training.gate.champion import Champion
from retrain.training.job.training_data import HeldUploads, held_uploads
from retrain.training.settings import TrainingSettings

VERSION = ModelVersion("california-housing", "1", "run", FIRST_UPLOAD)
RULE = TrainingSettings(bucket="b", tracking_uri="http://r.test").hold_rule()


def honest(rows: int, seed: int) -> Values:
    """Draw rows that ``linear_model()`` prices with errors of .2; its interval is .5 each way."""
    table = housing_table(rows, seed=seed).to_numpy(copy=True)
    errors = np.random.default_rng(seed).normal(0, 0.2, rows)
    table[:, -1] = 1.0 + 0.1 * table[:, 0] + errors
    return table


def poison(rows: int, seed: int = 99) -> Values:
    """Draw rows of one place, far below what the champion says."""
    table = honest(rows, seed)
    offsets = np.random.default_rng(seed).uniform(-0.01, 0.01, (rows, 2))
    table[:, 6:8] = np.array([34.0, -118.0]) + offsets
    table[:, -1] = 0.15
    return table


def champion(*numbers: int, **changes: object) -> Champion:
    jobs = frozenset(f"job-{number}" for number in numbers)
    known = {"model": linear_model(), "trouble": "", "uploads": jobs, "needs_stand_in": False}
    return Champion(VERSION, **{**known, **changes})  # type: ignore[arg-type]


def snapshot(*tables: Values) -> Snapshot:
    return snapshot_of([uploaded(table, number) for number, table in enumerate(tables)], KEY)[0]


def held(rows: Snapshot, holder: Champion | None, *released: str) -> HeldUploads | None:
    return held_uploads(rows, holder, released=released, rule=RULE)


def test_only_the_upload_that_contradicts_is_held() -> None:
    rows = snapshot(honest(3_000, 0), honest(300, 1), poison(40), honest(300, 2))

    verdict = held(rows, champion(0))

    assert verdict is not None
    assert verdict.jobs == {"job-2"}
    assert verdict.held.jobs == ["job-2"]
    assert verdict.held.rows == 640


def test_honest_uploads_are_not_held() -> None:
    for seed in range(1, 6):
        assert held(snapshot(honest(3_000, 0), honest(400, seed)), champion(0)) is None


def test_a_known_row_with_another_price_counts_as_new() -> None:
    first = honest(3_000, 0)
    changed = first[:100].copy()
    changed[:, -1] = 0.15

    verdict = held(snapshot(first, changed), champion(0))

    assert verdict is not None
    assert verdict.jobs == {"job-1"}


def test_poison_in_several_small_uploads_is_detected_and_held() -> None:
    rows = poison(20)
    drips = [rows[start : start + 4] for start in range(0, 20, 4)]

    verdict = held(snapshot(honest(3_000, 0), *drips), champion(0, 1, 2, 3, 4))

    assert verdict is not None
    assert verdict.jobs == {"job-5"}


def test_rows_included_by_a_person_are_not_held_again() -> None:
    rows = snapshot(honest(3_000, 0), poison(40))

    assert held(rows, champion(0), "job-1") is None


def test_nothing_is_held_without_a_champion_that_can_be_asked() -> None:
    rows = snapshot(honest(3_000, 0), poison(40))

    assert held(rows, None) is None
    assert held(rows, champion(0, model=None)) is None
    assert held(rows, champion(0, needs_stand_in=True)) is None


def test_nothing_is_held_where_no_row_is_new_or_none_is_known() -> None:
    rows = snapshot(honest(3_000, 0), poison(40))

    assert held(rows, champion(0, 1)) is None
    assert held(rows, champion()) is None
