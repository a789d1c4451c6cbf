"""Answers of models that know how far the nearest training row is, and of those that do not."""

import json

import numpy as np
import pytest

from housing.schema import FEATURES
from predict import answers
from predict.caveats import FAR_KM
from predict.predictor import PredictedColumns, Prediction
from predict.served_model import ServedModel

ROW = {column.name: column.example for column in FEATURES}
PRICES = (
    np.array([2.0, 2.0], np.float32),
    np.array([1.5, 1.5], np.float32),
    np.array([2.5, 2.5], np.float32),
)
NEAR_AND_FAR = np.array([1.0, FAR_KM + 75], np.float32)
TWO_ROWS = np.array([list(ROW.values())] * 2, np.float64)
A_GUESS = ["the nearest training row is 100 km away; the price is a guess"]


def test_a_price_far_from_every_training_row_is_called_a_guess(served: ServedModel) -> None:
    near = json.loads(answers.one(ROW, Prediction(2.0, 1.5, 2.5, 1.0), served))
    far = json.loads(answers.one(ROW, Prediction(2.0, 1.5, 2.5, FAR_KM + 75), served))

    assert (near["warnings"], far["warnings"]) == ([], A_GUESS)


def test_of_many_rows_the_far_one_is_warned_of(served: ServedModel) -> None:
    body = json.loads(answers.many(TWO_ROWS, PredictedColumns(*PRICES, NEAR_AND_FAR), served))

    near, far = body["predictions"]
    assert (near.get("warnings", []), far["warnings"]) == ([], A_GUESS)
    assert far["nearest_training_km"] == pytest.approx(100)


def test_a_csv_has_the_distance_where_it_is_known() -> None:
    known = answers.as_csv(PredictedColumns(*PRICES, NEAR_AND_FAR)).decode().splitlines()
    unknown = answers.as_csv(PredictedColumns(*PRICES)).decode().splitlines()

    assert [line.rsplit(",", 1)[1] for line in known[1:]] == ["1.0", "100.0"]
    assert [line.rsplit(",", 1)[1] for line in unknown[1:]] == ["", ""]
