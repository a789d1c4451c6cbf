"""The model: features, fit, interval, export, parity, metrics."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
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
from retrain.training.model.baseline import baseline_errors
from retrain.training.model.engines import EngineName
from retrain.training.model.evaluation import Predictions, evaluate, score
from retrain.training.model.fit import MODEL, Fitted, fit
from retrain.training.model.metric import error
from retrain.training.model.recipe import Recipe
from retrain.training.settings import TrainingSettings
from retrain.training.upload.check import check_csv

SETTINGS = TrainingSettings(bucket="b", tracking_uri="http://r.test")
RECIPE = replace(SETTINGS.recipe(), iterations=60, max_leaves=12)
LIMITS = {"worst": SETTINGS.parity_worst, "p99": SETTINGS.parity_p99}


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


def test_the_graph_predicts_what_the_fitted_model_predicts(fitted: Fitted, model: bytes) -> None:
    unseen = rows(2_000, 3)

    parity = check_parity(model, fitted, unseen.features, **LIMITS)

    assert 0 < parity.p99 < parity.worst


def test_a_price_is_between_its_limits_and_they_between_nothing_and_the_dearest(
    fitted: Fitted, model: bytes
) -> None:
    predictions = score(model, rows(2_000, 4).features)

    assert predictions.lower.min() >= 0
    assert (predictions.lower <= predictions.price).all()
    assert (predictions.price <= predictions.upper).all()
    assert fitted.interval
    assert predictions.upper.max() <= np.float32(fitted.interval.dearest)


def test_the_model_is_better_than_a_line_and_its_interval_covers(model: bytes) -> None:
    holdout = rows(1_000, 5)

    measures = evaluate(score(model, holdout.features), holdout.prices)

    assert measures["rmse"] < 0.7 * baseline_errors(rows(1_000, 1), holdout)["baseline_rmse"]
    assert measures["coverage"] == pytest.approx(0.9, abs=0.05)


def test_the_same_rows_and_recipe_make_the_same_model(model: bytes, recipe: Recipe) -> None:
    assert export(fit(rows(1_000, 1), recipe)) == model


def test_measures_are_what_their_names_say() -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0])
    predicted = np.array([1.0, 2.0, 3.0, 6.0])

    measures = evaluate(Predictions(predicted, predicted - 1, predicted + 1), prices)

    assert measures == pytest.approx(
        {"rmse": 1.0, "mae": 0.5, "r2": 0.2, "coverage": 0.75, "width": 2.0}
    )
    assert error(predicted, prices) == 1.0


def test_rows_are_compared_in_parts_as_they_are_together(
    fitted: Fitted, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unseen = rows(500, 3).features
    together = check_parity(model, fitted, unseen, **LIMITS)
    monkeypatch.setattr("retrain.training.graph.parity._ROWS_AT_ONCE", 120)

    assert check_parity(model, fitted, unseen, **LIMITS) == together


def with_fewer_models(fitted: Fitted) -> Fitted:
    pipeline = deepcopy(fitted.pipeline)
    pipeline[MODEL].averaged_ = pipeline[MODEL].averaged_[:1]
    return replace(fitted, pipeline=pipeline)


def with_longer_limit(fitted: Fitted, name: str) -> Fitted:
    assert fitted.interval
    longer = {name: getattr(fitted.interval, name) + 0.01}
    return replace(fitted, interval=replace(fitted.interval, **longer))


ALTERED: dict[str, Callable[[Fitted], Fitted]] = {
    "price": with_fewer_models,
    "lower limit": lambda fitted: with_longer_limit(fitted, "below"),
    "upper limit": lambda fitted: with_longer_limit(fitted, "above"),
}


@pytest.mark.parametrize("altered", ALTERED)
@pytest.mark.parametrize(
    ("worst", "p99"), [(1e-4, 1.0), (1.0, 1e-4)], ids=["the worst row", "many rows"]
)
def test_a_graph_that_differs_is_refused(
    fitted: Fitted, model: bytes, altered: str, worst: float, p99: float
) -> None:
    with pytest.raises(ParityError, match=r"differs from the fitted model by up to 0\.\d+"):
        check_parity(model, ALTERED[altered](fitted), rows(100, 3).features, worst=worst, p99=p99)


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
    "dear houses": lambda table: table.update(table[["MedHouseVal"]] * 150),
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
    model = export(fitted)
    predictions = score(model, odd.features)

    check_parity(model, fitted, odd.features, **LIMITS)
    assert (predictions.lower <= predictions.price).all()
    assert (predictions.price <= predictions.upper).all()


@pytest.mark.parametrize("count", [1, 2, 10, 18])
def test_too_few_rows_for_an_interval_are_said(count: int) -> None:
    with pytest.raises(TooFewRowsError, match="too few"):
        fit(rows(count, 1), RECIPE)


needs_real_data = pytest.mark.skipif(
    "HOUSING_DATA" not in os.environ, reason="HOUSING_DATA names no CSV"
)


@pytest.fixture(scope="module")
def real() -> Values:
    return check_csv(Path(os.environ["HOUSING_DATA"]).read_bytes()).rows


@needs_real_data
def test_the_real_data_set_gives_a_good_model_and_an_exact_graph(real: Values) -> None:
    order = np.random.default_rng(0).permutation(len(real))
    train, holdout = (Rows.of(real[part]) for part in np.split(order, [16_500]))

    model = export(fitted := fit(train, SETTINGS.recipe()))
    measures = evaluate(score(model, holdout.features), holdout.prices)

    assert measures["rmse"] < 0.42
    assert measures["coverage"] == pytest.approx(0.9, abs=0.02)
    assert measures["width"] < 0.98
    check_parity(model, fitted, Rows.of(real).features, **LIMITS)


@needs_real_data
@pytest.mark.parametrize("number", range(20))
def test_a_sample_of_the_real_data_set_gives_an_exact_graph(real: Values, number: int) -> None:
    rng = np.random.default_rng(number)
    sample = real[rng.permutation(len(real))[: rng.integers(250, 2_551)]]
    engine = get_args(EngineName)[number % 2]

    fitted = fit(Rows.of(sample), replace(SETTINGS.recipe(), engine=engine))

    check_parity(export(fitted), fitted, Rows.of(real).features, **LIMITS)
