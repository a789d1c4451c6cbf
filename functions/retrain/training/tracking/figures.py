"""Draw a version's figures: error map, calibration, learning curves, drift."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from housing.jobs.results import Drift
from housing.schema import FEATURE_NAMES, INTERVAL_COVERAGE, PLACE, TARGET, in_unit
from retrain.training.dataset.rows import Rows, Values
from retrain.training.model.evaluation import Predictions
from retrain.training.model.metric import ERROR_TITLE, IS_CLASSIFICATION

_BANDS = 10


def figures(
    predictions: Predictions,
    held: Rows,
    curves: Mapping[str, Sequence[float]],
) -> dict[str, Figure]:
    """Draw all figures; return them by file name."""
    if IS_CLASSIFICATION:
        calibration = _calibration_curve(predictions.price, held.prices)
    else:
        calibration = _calibration(predictions, held.prices)
    drawn = {"calibration.png": calibration, "learning_curves.png": _learning_curves(curves)}
    return {"residual_map.png": _residual_map(predictions, held), **drawn} if PLACE else drawn


def drift_figure(drift: Drift, *, psi_limit: float) -> Figure:
    """Draw the stability index of each column; drifting columns in red."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    columns = drift.columns[::-1]  # the first one on top
    colours = ["tab:red" if column.drifted else "tab:blue" for column in columns]
    names = [column.name for column in columns]
    axes.barh(names, [column.psi for column in columns], color=colours)
    axes.axvline(psi_limit, linestyle=":")
    title = f"{drift.rows:,} new rows against {drift.reference_rows:,} before"
    axes.set(title=title, xlabel="population stability index")
    return figure


def _residual_map(predictions: Predictions, held: Rows) -> Figure:
    figure = Figure(figsize=(7, 7))
    axes = figure.subplots()
    latitude, longitude = (held.features[:, FEATURE_NAMES.index(name)] for name in PLACE)
    errors = predictions.price - held.prices
    drawn = axes.scatter(longitude, latitude, c=errors, s=5, cmap="coolwarm", vmin=-1.5, vmax=1.5)
    figure.colorbar(drawn, label=f"predicted minus true{in_unit()}")
    axes.set(title="Errors on held-out rows", xlabel="longitude", ylabel="latitude")
    return figure


def _calibration(predictions: Predictions, prices: Values) -> Figure:
    figure = Figure(figsize=(10, 4))
    of_price, of_interval = figure.subplots(1, 2)
    bands = np.array_split(np.argsort(predictions.price, kind="stable"), _BANDS)
    filled = [band for band in bands if len(band)]
    means = [predictions.price[band].mean() for band in filled]
    of_price.plot(means, [prices[band].mean() for band in filled], "o-")
    of_price.axline((0, 0), slope=1, linestyle=":")
    of_price.set(title="Calibration", xlabel="mean predicted", ylabel=f"mean true{in_unit()}")
    inside = (predictions.lower <= prices) & (prices <= predictions.upper)
    of_interval.plot(means, [inside[band].mean() for band in filled], "o-")
    of_interval.axhline(INTERVAL_COVERAGE, linestyle=":")
    of_interval.set(title="Coverage of the interval", xlabel="mean predicted", ylim=(0.5, 1))
    return figure


def _calibration_curve(probabilities: Values, truth: Values) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    bands = np.array_split(np.argsort(probabilities, kind="stable"), _BANDS)
    filled = [band for band in bands if len(band)]
    means = [probabilities[band].mean() for band in filled]
    axes.plot(means, [truth[band].mean() for band in filled], "o-")
    axes.axline((0, 0), slope=1, linestyle=":")
    axes.set(title="Calibration", xlabel="mean probability", ylabel=f"share of {TARGET.name}")
    return figure


def _learning_curves(curves: Mapping[str, Sequence[float]]) -> Figure:
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(
        title="Learning curves",
        xlabel="trees",
        ylabel=ERROR_TITLE if IS_CLASSIFICATION else f"{ERROR_TITLE}{in_unit()}",
    )
    axes.legend()
    return figure
