"""The overview of the training rows, in the graph's metadata and as the service answers it."""

import json
from typing import Any

import numpy as np
import pytest

from fakes.onnx_models import constant_model
from fakes.tables import housing_table
from housing.onnx_session import OVERVIEW
from housing.schema import CANONICAL_HEADER
from predict.http.routes.subject import Overview
from predict.model.predictor import Predictor
from retrain.training.dataset.rows import Rows
from retrain.training.graph.overview import BINS, CELLS, EMPTY, LEVELS, overview

_LATITUDE, _LONGITUDE = (CANONICAL_HEADER.index(name) for name in ("Latitude", "Longitude"))


def drawn(values: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(overview(Rows.of(values)))
    return document


def placed(*points: tuple[float, float, float]) -> Any:
    """Return rows at latitudes and longitudes, with their prices."""
    values = np.ones((len(points), len(CANONICAL_HEADER)))
    values[:, _LATITUDE], values[:, _LONGITUDE], values[:, -1] = np.array(points).T
    return values


def test_every_row_is_counted_once() -> None:
    table = drawn(placed(*((34 + i / 1e3, -118, i) for i in range(1_000))))

    assert table["rows"] == sum(table["targets"]["counts"]) == 1_000
    assert len(table["targets"]["counts"]) == BINS
    assert (table["targets"]["low"], table["targets"]["high"]) == pytest.approx((20, 979), rel=0.01)


def test_north_is_up_and_a_dear_place_is_a_late_letter() -> None:
    cheap_south, dear_north = [(33, -118, 1)] * 50, [(40, -124, 5)] * 50

    lines = drawn(placed(*cheap_south, *dear_north))["map"]["lines"]

    assert lines[0][0] == LEVELS[-1]
    assert lines[-1][-1] == LEVELS[0]
    assert {letter for line in lines for letter in line} == {LEVELS[0], LEVELS[-1], EMPTY}
    assert max(len(lines), len(lines[0])) <= CELLS + 1
    assert {len(line) for line in lines} == {len(lines[0])}


def test_a_cell_is_found_by_its_degrees() -> None:
    table = drawn(
        placed(*([(33, -120, 1)] * 50), *([(37.5, -119, 5)] * 50), *([(36, -124, 3)] * 9))
    )
    board = table["map"]

    down = int((37.5 - board["south"]) / board["cell_height"])
    right = int((-119 - board["west"]) / board["cell_width"])

    assert board["lines"][::-1][min(down, len(board["lines"]) - 1)][right] == LEVELS[-1]


@pytest.mark.parametrize("count", [1, 2])
def test_a_table_of_one_place_and_one_price_has_one_too(count: int) -> None:
    table = drawn(placed(*([(34, -118, 2)] * count)))

    assert table["map"]["lines"] == [LEVELS[0]]
    assert table["rows"] == count


def test_the_picture_of_many_rows_is_one_of_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.training.graph.overview._MOST_ROWS", 100)

    table = drawn(placed(*((34, -118, price) for price in range(1_001))))

    assert table["rows"] == 1_001
    assert 50 < sum(table["targets"]["counts"]) <= 100


def test_it_is_a_few_kilobytes_and_what_the_service_expects() -> None:
    text = overview(Rows.of(housing_table(3_000, 1).to_numpy()))
    predictor = Predictor(constant_model(0.25, **{OVERVIEW: text}))

    assert len(text) < 15_000
    assert predictor.overview == text
    assert Overview.model_validate_json(text).rows == 3_000
    assert Predictor(constant_model(0.25)).overview is None
