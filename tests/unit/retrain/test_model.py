"""From rows to a graph: features, fit, interval, export, parity, measures."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import onnx
import pandas as pd
import pytest

from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from retrain.training.dataset.rows import Rows, Values
from retrain.training.errors import ModelLoadError, ParityError, TooFewRowsError
from retrain.training.graph.export import export
from retrain.training.graph.parity import check_parity
from retrain.training.model.engines import EngineName
from retrain.training.model.evaluation import baseline_rmse, evaluate, rmse
from retrain.training.model.fit import Fitted, fit
from retrain.training.model.recipe import Recipe
from retrain.training.model.scoring import Predictions, score
from retrain.training.settings import TrainingSettings
from retrain.training.upload.check import check_csv

RECIPE = TrainingSettings(
    bucket="b", tracking_uri="http://r.test", iterations=60, max_leaves=12
).recipe()


def rows(count: int, seed: int) -> Rows:
    return Rows.of(housing_table(count, seed).to_numpy())


@pytest.fixture(scope="module", params=get_args(EngineName))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return replace(RECIPE, engine=request.param)


@pytest.fixture(scope="module")
def fitted(recipe: Recipe) -> Fitted:
    return fit(rows(1_000, 1), recipe)


@pytest.fixture(scope="module")
def model(fitted: Fitted) -> bytes:
    return export(fitted)


def test_the_graph_has_the_services_contract(model: bytes) -> None:
    graph = onnx.load_model_from_string(model).graph

    shapes = {
        entry.name: [d.dim_value for d in entry.type.tensor_type.shape.dim]
        for entry in (*graph.input, *graph.output)
    }
    one = [0, 1]
    assert shapes == {
        "features": [0, 8],
        "price": one,
        "lower": one,
        "upper": one,
        "nearest_km": one,
    }


def test_the_graph_predicts_what_the_pipeline_predicts(fitted: Fitted, model: bytes) -> None:
    unseen = rows(2_000, 3)

    parity = check_parity(
        score(model, unseen.features).price, fitted.predict(unseen), worst=1e-4, p99=1e-5
    )

    assert parity.worst < 1e-4


def test_a_price_is_between_its_limits_and_they_between_nothing_and_the_dearest(
    fitted: Fitted, model: bytes
) -> None:
    found = score(model, rows(2_000, 4).features)

    assert found.lower.min() >= 0
    assert (found.lower <= found.price).all()
    assert (found.price <= found.upper).all()
    assert found.upper.max() <= np.float32(fitted.interval.dearest)


def test_the_model_is_better_than_a_line_and_its_interval_covers(model: bytes) -> None:
    holdout = rows(1_000, 5)

    found = evaluate(score(model, holdout.features), holdout.prices)

    assert found["rmse"] < 0.7 * baseline_rmse(rows(1_000, 1), holdout)
    assert found["coverage"] == pytest.approx(0.9, abs=0.05)


def test_the_same_rows_and_recipe_make_the_same_model(model: bytes, recipe: Recipe) -> None:
    assert export(fit(rows(1_000, 1), recipe)) == model


def test_measures_are_what_their_names_say() -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0])
    predicted = np.array([1.0, 2.0, 3.0, 6.0])

    found = evaluate(Predictions(predicted, predicted - 1, predicted + 1), prices)

    assert found == pytest.approx(
        {"rmse": 1.0, "mae": 0.5, "r2": 0.2, "coverage": 0.75, "width": 2.0}
    )
    assert rmse(predicted, prices) == 1.0


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


ODD: dict[str, Callable[[pd.DataFrame], None]] = {
    "one place": lambda table: table.update(table[[]].assign(Latitude=37.0, Longitude=-122.0)),
    "constant columns": lambda table: table.update(table[[]].assign(AveRooms=5.0, Population=9.0)),
    "all prices capped": lambda table: table.update(table[[]].assign(MedHouseVal=5.00001)),
    "two places": lambda table: table.update(table[[]].assign(Latitude=table.index % 2 + 36.0)),
    "extremes": lambda table: table.update(
        table[table.index % 50 == 0].assign(
            AveOccup=0.01, Population=1e6, AveRooms=1_000, Latitude=-90, Longitude=180
        )
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_data_make_a_sound_model(case: str) -> None:
    table = housing_table(250)
    ODD[case](table)
    odd = Rows.of(table.to_numpy())

    fitted = fit(odd, RECIPE)
    found = score(export(fitted), odd.features)

    assert found.price == pytest.approx(fitted.predict(odd), abs=0.05)
    assert (found.lower <= found.price).all()
    assert (found.price <= found.upper).all()


@pytest.mark.parametrize("count", [1, 2, 10, 18])
def test_too_few_rows_for_an_interval_are_said(count: int) -> None:
    with pytest.raises(TooFewRowsError, match="too few"):
        fit(rows(count, 1), RECIPE)


@pytest.mark.skipif("HOUSING_DATA" not in os.environ, reason="HOUSING_DATA names no CSV")
def test_the_real_data_set_gives_a_good_model_and_an_exact_graph() -> None:
    with open(os.environ["HOUSING_DATA"], "rb") as file:  # noqa: PTH123 - a path from outside
        values = check_csv(file.read()).rows
    order = np.random.default_rng(0).permutation(len(values))
    train, holdout = (Rows.of(values[part]) for part in np.split(order, [16_500]))
    recipe = TrainingSettings(bucket="b", tracking_uri="http://r.test").recipe()

    model = export(fitted := fit(train, recipe))
    found = evaluate(score(model, holdout.features), holdout.prices)

    assert found["rmse"] < 0.42
    assert found["coverage"] == pytest.approx(0.9, abs=0.02)
    assert found["width"] < 1.05
    check_parity(
        score(model, holdout.features).price, fitted.predict(holdout), worst=0.06, p99=0.012
    )
