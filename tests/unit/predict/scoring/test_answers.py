"""Answers of models that know how far the nearest training row is, and of those that do not."""

import json

import numpy as np
import pytest

from housing.schema import FEATURES, INTERVAL_COVERAGE
from predict.model.loading import ServedModel
from predict.model.predictor import PredictedColumns, Prediction
from predict.scoring import answers
from predict.scoring.warnings import FAR_KM

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


def test_an_answer_names_its_interval_after_the_coverage(served: ServedModel) -> None:
    answer = json.loads(answers.one(ROW, Prediction(2.0, 1.5, 2.5, 1.0), served))

    assert answer[f"interval_{100 * INTERVAL_COVERAGE:.0f}"]["lower"] == 1.5


EDGES = [-3.0, -0.0, 0.0, 0.00099, 0.001, 0.0010001, 0.15, 1.0, 9.999999, 9.9999995, 10.0, 1e6]
EDGES_KM = [-1.0, -0.0, 0.0, 0.05, 0.25, 9.95, 24.95, 99.95, 999.9, 999.96, 1e4]


@pytest.mark.parametrize("tells_distance", [True, False])
def test_a_batch_has_the_answers_of_its_single_rows(
    served: ServedModel, *, tells_distance: bool
) -> None:
    chance = np.random.default_rng(0)
    count = 3_000
    prices = chance.uniform(0, 5.5, (3, count)).astype(np.float32)
    nearest = chance.gamma(1, 3, count).astype(np.float32)
    for column in prices:
        column[: len(EDGES)] = chance.permutation(EDGES)
    nearest[-len(EDGES_KM) :] = EDGES_KM
    features = np.array([list(ROW.values())] * count) * chance.uniform(0.9, 1.1, (count, 1))
    price, lower, upper = prices
    predicted = PredictedColumns(price, lower, upper, nearest if tells_distance else None)

    written = answers.many(features, predicted, served)

    model = b'"model_name":"california-housing","model_version":"7","stale":false}'
    each_alone = []
    for row, values in enumerate(features.tolist()):
        named = dict(zip(ROW, values, strict=True))
        numbers = [column[row].item() for column in predicted if column is not None]
        alone = answers.one(named, Prediction(*numbers), served)
        assert alone.endswith(b"," + model)
        each_alone.append(alone.removesuffix(b"," + model) + b"}")
    assert written == b'{"predictions":[%b],%b' % (b",".join(each_alone), model)


def test_a_warning_may_hold_any_text(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'over 100 %b of "10" %'
    monkeypatch.setattr(answers, "warnings_on", lambda *_: [text])

    body = json.loads(answers.many(TWO_ROWS, PredictedColumns(*PRICES, NEAR_AND_FAR), served))

    assert [row["warnings"] for row in body["predictions"]] == [[], [text]]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows_are_no_less_of_a_list(served: ServedModel, count: int) -> None:
    predicted = PredictedColumns(*(column[:count] for column in PRICES))

    body = json.loads(answers.many(TWO_ROWS[:count], predicted, served))

    assert [row["MedHouseVal"] for row in body["predictions"]] == [2.0] * count


def test_a_csv_has_the_distance_where_it_is_known() -> None:
    known = answers.as_csv(PredictedColumns(*PRICES, NEAR_AND_FAR)).decode().splitlines()
    unknown = answers.as_csv(PredictedColumns(*PRICES)).decode().splitlines()

    assert [line.rsplit(",", 1)[1] for line in known[1:]] == ["1.0", "100.0"]
    assert [line.rsplit(",", 1)[1] for line in unknown[1:]] == ["", ""]
