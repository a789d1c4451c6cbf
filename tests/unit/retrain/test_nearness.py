"""The distance to the nearest fitted row, as the graph tells it, against a search of all rows."""

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from fakes.tables import housing_table
from housing.onnx_session import INPUT, NEAREST_KM, open_session
from retrain.training.export import export
from retrain.training.features import COORDINATES
from retrain.training.fit import fit
from retrain.training.nearness import Nearness, nearness_of
from retrain.training.rows import Rows
from retrain.training.settings import TrainingSettings

RECIPE = TrainingSettings(
    bucket="b", tracking_uri="http://r.test", iterations=5, clusters=2, max_leaves=4
).recipe()
ROUNDING_KM = 0.1
Features = NDArray[np.float32]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows.of(housing_table(900, 1).to_numpy())


@pytest.fixture(scope="module")
def nearness(rows: Rows) -> Nearness:
    return nearness_of(rows.features)


@pytest.fixture(scope="module")
def session(rows: Rows, nearness: Nearness) -> onnxruntime.InferenceSession:
    return open_session(export(fit(rows, rows, RECIPE), nearness))


def told(session: onnxruntime.InferenceSession, features: Features) -> NDArray[np.float64]:
    (found,) = session.run([NEAREST_KM], {INPUT: features})
    assert found.shape == (len(features), 1)
    return np.asarray(found[:, 0], np.float64)


def searched(rows: Rows, features: Features, nearness: Nearness) -> NDArray[np.float64]:
    here = features[:, None, COORDINATES].astype(np.float64)
    there = rows.features[None, :, COORDINATES].astype(np.float64)
    squares = ((here - there) * nearness.km_per_degree) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=2)).min(axis=1))


def half_diagonal_km(nearness: Nearness) -> float:
    return float(np.linalg.norm(nearness.km_per_degree) * nearness.cell_degrees / 2)


def test_within_the_data_it_is_right_to_half_a_cell(
    rows: Rows, nearness: Nearness, session: onnxruntime.InferenceSession
) -> None:
    random = np.random.default_rng(0)
    anywhere = np.repeat(rows.features[:1], 2_000, axis=0)
    anywhere[:, COORDINATES] = random.uniform(nearness.first, nearness.last, (2_000, 2))

    off = np.abs(told(session, anywhere) - searched(rows, anywhere, nearness))

    assert off.max() <= half_diagonal_km(nearness) + ROUNDING_KM
    assert half_diagonal_km(nearness) < 4


def test_at_the_rows_themselves_it_is_less_than_a_cell(
    rows: Rows, nearness: Nearness, session: onnxruntime.InferenceSession
) -> None:
    assert told(session, rows.features).max() <= half_diagonal_km(nearness) + ROUNDING_KM


@pytest.mark.parametrize("place", [(-90, -180), (90, 180), (40.7, -74.0), (0, 0)])
def test_beyond_the_data_it_is_never_less_than_the_truth(
    rows: Rows,
    nearness: Nearness,
    session: onnxruntime.InferenceSession,
    place: tuple[float, float],
) -> None:
    far = rows.features[:1].copy()
    far[:, COORDINATES] = place

    (found,) = told(session, far)

    (truth,) = searched(rows, far, nearness)
    assert truth - half_diagonal_km(nearness) <= found <= 2 * truth


def test_rows_all_at_one_place_are_no_error(rows: Rows) -> None:
    same = rows.features.copy()
    same[:, COORDINATES] = (37.0, -122.0)

    found = nearness_of(same)

    assert found.km.shape == (1, 1)


def test_the_table_stays_small_however_far_the_rows_are_apart(rows: Rows) -> None:
    apart = rows.features.copy()
    apart[0, COORDINATES], apart[1, COORDINATES] = (-90, -180), (90, 180)

    assert nearness_of(apart).km.size <= 110_000
