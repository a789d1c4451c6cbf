"""Arrays in files: the same values, in memory of their own no longer than they are used."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrain.training.dataset import mapped
from retrain.training.dataset.mapped import ArrayFiles, opened, pieces, release, scratch, taken
from retrain.training.model.workers import WorkerProcesses

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.random.default_rng(0).normal(size=(1_000, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LEAST_BYTES", 1)
    monkeypatch.setattr(mapped, "_PIECE_BYTES", 256)


def described(array: NDArray[Any]) -> tuple[str, float, bool]:
    """Return what a task got."""
    return type(array).__name__, float(array.sum()), array.flags.writeable


def test_an_array_keeps_its_values_when_its_memory_is_released() -> None:
    array = scratch(ROWS.shape, ROWS.dtype)
    array[...] = ROWS

    release(array)

    assert isinstance(array, np.memmap)
    assert np.array_equal(array, ROWS)


def test_pieces_are_all_rows_in_their_order() -> None:
    parts = [ROWS[piece] for piece in pieces(ROWS)]

    assert len(parts) > 10
    assert np.array_equal(np.concatenate(parts), ROWS)


def test_some_rows_are_taken_as_a_mask_takes_them() -> None:
    mask = np.random.default_rng(1).random(len(ROWS)) < 0.4

    assert np.array_equal(taken(ROWS, mask), ROWS[mask])
    assert taken(ROWS, np.zeros(len(ROWS), bool)).shape == (0, 3)


def test_a_small_array_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LEAST_BYTES", 1 << 20)
    files = ArrayFiles()

    arrays = [scratch((10, 3), np.float32), files.empty((10, 3), np.float32)]

    assert [type(array) for array in arrays] == [np.ndarray] * 2
    assert [files.path_of(array) for array in arrays] == [None] * 2


def test_a_full_disk_leaves_an_array_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "_has_room", lambda *_: False)
    files = ArrayFiles()

    arrays = [scratch((10, 3), np.float32), files.empty((10, 3), np.float32)]

    assert [type(array) for array in arrays] == [np.ndarray] * 2
    files.close()


def test_a_file_is_deleted_with_its_array_or_with_all() -> None:
    files = ArrayFiles()
    array, other = (files.empty(ROWS.shape, ROWS.dtype) for _ in range(2))
    paths = [files.path_of(array), files.path_of(other)]
    assert all(path and path.exists() for path in paths)

    del array
    left = [path.exists() for path in paths if path]
    files.close()

    assert left == [False, True]
    assert not any(path.exists() for path in paths if path)
    other[...] = ROWS
    assert np.array_equal(other, ROWS)


def test_another_process_opens_the_file_to_read_it() -> None:
    files = ArrayFiles()
    array = files.empty(ROWS.shape, ROWS.dtype)
    array[...] = ROWS
    path: Path | None = files.path_of(array)
    assert path

    theirs = opened(path, array.dtype, array.shape)

    assert np.array_equal(theirs, ROWS)
    assert not theirs.flags.writeable
    files.close()


def test_a_task_gets_the_file_of_a_large_array_and_no_copy() -> None:
    with WorkerProcesses(1) as workers:
        shared, part = workers.share(ROWS), workers.share(ROWS)[:10]
        tasks = [workers.start(described, one) for one in (shared, ROWS, part)]
        workers.start(described, ROWS).get()
        first, second, third = (task.get() for task in tasks)

    assert first == ("memmap", pytest.approx(float(ROWS.sum())), first[2])
    assert second[0] == "ndarray"
    assert third[1] == pytest.approx(float(ROWS[:10].sum()))
