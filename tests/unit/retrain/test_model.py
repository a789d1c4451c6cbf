"""From rows to a graph: features, fit, interval, export, parity, measures."""

import os

import numpy as np
import onnx
import pytest

from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from housing.schema import FEATURE_NAMES
from retrain.training.csv_check import check_csv
from retrain.training.errors import ModelLoadError, ParityError, TooFewRowsError
from retrain.training.evaluate import baseline_rmse, evaluate, rmse
from retrain.training.export import export
from retrain.training.fit import Fitted, conformal_half_width, fit
from retrain.training.parity import check_parity
from retrain.training.rows import Rows, Values
from retrain.training.scoring import Predictions, score
from retrain.training.settings import TrainingSettings

RECIPE = TrainingSettings(
    bucket="b", tracking_uri="http://r.test", iterations=60, clusters=6, max_leaves=12
).recipe()


def rows(count: int, seed: int) -> Rows:
    return Rows.of(housing_table(count, seed).to_numpy())


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(rows(900, 1), rows(200, 2), RECIPE)


@pytest.fixture(scope="module")
def model(fitted: Fitted) -> bytes:
    return export(fitted)


def test_the_graph_has_the_services_contract(model: bytes) -> None:
    graph = onnx.load_model_from_string(model).graph

    shapes = {
        entry.name: [d.dim_value for d in entry.type.tensor_type.shape.dim]
        for entry in (*graph.input, *graph.output)
    }
    assert shapes == {"features": [0, 8], "price": [0, 1], "lower": [0, 1], "upper": [0, 1]}


def test_the_graph_predicts_what_the_pipeline_predicts(fitted: Fitted, model: bytes) -> None:
    unseen = rows(2_000, 3)

    parity = check_parity(
        score(model, unseen.features).price, fitted.predict(unseen), worst=1e-4, p99=1e-5
    )

    assert parity.worst < 1e-4


def test_no_price_or_limit_is_below_zero_and_the_price_is_between_the_limits(
    fitted: Fitted,
) -> None:
    wide = export(Fitted(fitted.pipeline, half_width=3.0))

    found = score(wide, rows(500, 4).features)

    assert found.lower.min() == 0
    assert (found.lower <= found.price).all()
    assert found.upper == pytest.approx(found.price + 3.0, abs=1e-5)


def test_the_model_is_better_than_a_line_and_its_interval_covers(
    fitted: Fitted, model: bytes
) -> None:
    holdout = rows(1_000, 5)

    found = evaluate(score(model, holdout.features), holdout.prices)

    assert found["rmse"] < 0.7 * baseline_rmse(rows(900, 1), holdout)
    assert found["coverage"] == pytest.approx(0.9, abs=0.05)
    assert found["width"] <= 2 * fitted.half_width + 1e-5


def test_the_same_rows_and_recipe_make_the_same_model(model: bytes) -> None:
    assert export(fit(rows(900, 1), rows(200, 2), RECIPE)) == model


def test_measures_are_what_their_names_say() -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0])
    predicted = np.array([1.0, 2.0, 3.0, 6.0])

    found = evaluate(Predictions(predicted, predicted - 1, predicted + 1), prices)

    assert found == pytest.approx(
        {"rmse": 1.0, "mae": 0.5, "r2": 0.2, "coverage": 0.75, "width": 2.0}
    )
    assert rmse(predicted, prices) == 1.0


def test_the_half_width_is_the_rank_that_the_theorem_names() -> None:
    residuals = np.arange(1.0, 20.0)  # 19 of them: ceil(20 · 0.9) = 18

    assert conformal_half_width(residuals[::-1], 0.9) == 18.0


def test_too_few_residuals_for_the_coverage_are_said() -> None:
    with pytest.raises(TooFewRowsError, match="8 calibration rows are too few for 90% intervals"):
        conformal_half_width(np.arange(8.0), 0.9)


@pytest.mark.parametrize(
    ("worst", "p99"), [(0.05, 1.0), (1.0, 0.005)], ids=["the worst row", "many rows"]
)
def test_a_graph_that_differs_is_refused(worst: float, p99: float) -> None:
    pipeline: Values = np.ones(100)
    graph = pipeline + np.linspace(0, 0.06, 100)

    with pytest.raises(ParityError, match=r"up to 0\.0600"):
        check_parity(graph, pipeline, worst=worst, p99=p99)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"not a graph",
        linear_model(columns=3),
        linear_model(outputs=("price", "low", "high")),
        linear_model(bias=float("nan")),
    ],
    ids=["empty", "no graph", "other input", "other outputs", "no number"],
)
def test_a_model_that_does_not_keep_the_contract_does_not_load(broken: bytes) -> None:
    with pytest.raises(ModelLoadError):
        score(broken, rows(5, 0).features)


def test_fewer_places_than_regions_are_no_error() -> None:
    few = housing_table(200)
    few["Latitude"], few["Longitude"] = 37.0, -122.0
    same_place = Rows.of(few.to_numpy())

    assert score(export(fit(same_place, same_place, RECIPE)), same_place.features).price.size


@pytest.mark.skipif("HOUSING_DATA" not in os.environ, reason="HOUSING_DATA names no CSV")
def test_the_real_data_set_gives_a_good_model_and_an_exact_graph() -> None:
    with open(os.environ["HOUSING_DATA"], "rb") as file:  # noqa: PTH123 - a path from outside
        values = check_csv(file.read()).rows
    order = np.random.default_rng(0).permutation(len(values))
    train, calibration, holdout = (
        Rows.of(values[part]) for part in np.split(order, [14_000, 16_000])
    )
    recipe = TrainingSettings(bucket="b", tracking_uri="http://r.test").recipe()

    model = export(fitted := fit(train, calibration, recipe))
    found = evaluate(score(model, holdout.features), holdout.prices)

    assert len(FEATURE_NAMES) == holdout.features.shape[1]
    assert found["rmse"] < 0.46
    assert found["coverage"] == pytest.approx(0.9, abs=0.02)
    check_parity(
        score(model, holdout.features).price, fitted.predict(holdout), worst=0.06, p99=0.012
    )
