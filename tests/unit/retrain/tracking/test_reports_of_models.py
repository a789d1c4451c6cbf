"""Reports on a version: metrics by slice and region, card, figures."""

import io
from dataclasses import replace

import numpy as np
import pytest
from markdown_it import MarkdownIt
from matplotlib.patches import Rectangle

from fakes.tables import housing_table
from fakes.uploads import snapshot_after
from housing.jobs.results import ColumnDrift, Drift
from housing.schema import INTERVAL_COVERAGE
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.split import split
from retrain.training.gate.slices import Slice, slices
from retrain.training.model.evaluation import Predictions
from retrain.training.model.families.spatial import spatial_rmse
from retrain.training.model.fit import fit, learning_curve
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.figures import drift_figure, figures
from retrain.training.tracking.model_card import drift_section, model_card
from subjects.california.schema import TARGET_CAP

RECIPE = TrainingSettings(
    bucket="b", tracking_uri="http://r.test", iterations=12, max_leaves=8
).recipe()
TABLE = housing_table(300)
DRIFT = Drift(
    rows=1_200,
    reference_rows=20_640,
    columns=[
        ColumnDrift(
            name=name, psi=psi, ks=0.2, p_value=0, mean_before=1, mean_after=2, drifted=psi > 0.2
        )
        for name, psi in (("MedInc", 0.41), ("HouseAge", 0.01))
    ],
    warnings=["MedInc drifts: PSI 0.41"],
)


def rows(**changes: float) -> Rows:
    return Rows.of(TABLE.assign(**changes).to_numpy())


def predictions(held: Rows, error: float = 0.0) -> Predictions:
    price = held.prices + error
    return Predictions(price, price - 0.5, price + 0.5)


def test_slices_are_measured_by_themselves() -> None:
    held = rows()
    held = Rows(held.features, np.where(np.arange(300) < 20, TARGET_CAP, held.prices))
    by_slice = predictions(held)
    by_slice.price[:20] -= 1.0

    by_name = {one.name: one for one in slices(by_slice, held)}

    capped = by_name["capped at $500,001"]
    assert (capped.rows, capped.figures["coverage"]) == (20, 1.0)
    assert capped.figures["RMSE"] == pytest.approx(1)
    assert by_name["cheapest quarter"].figures["RMSE"] == 0
    assert sum(one.rows for name, one in by_name.items() if "quarter" in name) == 300
    assert sum(one.rows for name, one in by_name.items() if "nearest to" in name) == 300
    assert capped.figures["mean width"] == pytest.approx(1.0)


def test_a_slice_without_rows_is_left_out() -> None:
    names = [one.name for one in slices(predictions(rows(MedHouseVal=2.0)), rows(MedHouseVal=2.0))]

    assert "capped at $500,001" not in names


def test_a_left_out_region_is_harder_than_rows_among_the_fitted() -> None:
    held = Rows.of(housing_table(300, 1).to_numpy())
    fitted = fit(rows(), RECIPE)
    among = float(np.sqrt(np.mean((fitted.predict(held) - held.prices) ** 2)))

    assert among < spatial_rmse(rows(), RECIPE) < 5


def test_one_place_has_no_regions_to_leave_out() -> None:
    same = rows(Latitude=37.0, Longitude=-122.0)

    assert spatial_rmse(same, RECIPE) == pytest.approx(same.prices.std())


def test_the_learning_curve_has_a_point_for_each_tree_and_goes_down() -> None:
    curve = learning_curve(fit(rows(), RECIPE), rows())

    assert len(curve) == 12
    assert curve[-1] < curve[0]


def test_the_card_says_what_the_model_is_made_of_how_good_it_is_and_its_limits() -> None:
    snapshot = snapshot_after(TABLE.to_numpy())
    parts = replace(split(snapshot, min_rows=10), copies=7)
    measured = [Slice("dearest quarter", 75, {"RMSE": 0.5, "coverage": 0.88, "mean width": 1.2})]

    card = model_card(snapshot, {"rmse": 0.41, "spatial_rmse": 0.6}, measured, parts)

    assert f"shall hold {INTERVAL_COVERAGE:.0%} of the true values" in card
    assert "300 distinct rows, source `upload`" in card
    assert snapshot.dataset_id[:12] in card
    assert f"{len(parts.holdout)} of them, chosen by a keyed hash of their place" in card
    assert "7 more have a near copy among the fitted rows" in card
    assert "| spatial_rmse | 0.6 |" in card
    assert "| dearest quarter | 75 | 0.500 | 0.880 | 1.200 |" in card
    assert "## Limits" in card
    assert len(card) < 5_000  # MLflow's limit on a description


def test_figures_are_drawn() -> None:
    held = rows()

    drawn = figures(predictions(held, 0.1), held, {"fitted rows": [1.0, 0.5]})

    assert set(drawn) == {"residual_map.png", "calibration.png", "learning_curves.png"}
    for figure in drawn.values():
        file = io.BytesIO()
        figure.savefig(file, format="png")
        assert file.getvalue().startswith(b"\x89PNG")
        assert all(axes.get_xlabel() for axes in figure.axes[:1])


def test_the_card_says_what_drifts_and_what_was_compared() -> None:
    lines = drift_section(DRIFT).splitlines()

    assert lines == [
        "",
        "",
        "## Drift of the newest rows",
        "1,200 new rows against 20,640 before: 1 of 2 columns drift.",
        "- MedInc drifts: PSI 0.41",
    ]


def test_the_card_says_why_no_drift_was_measured() -> None:
    drift = Drift(rows=9, reference_rows=0, reason="there were no rows before")

    assert drift_section(drift).endswith("\nNot measured: there were no rows before.")


def test_the_figure_of_drift_has_a_bar_for_each_column_and_the_limit() -> None:
    (axes,) = drift_figure(DRIFT, psi_limit=0.2).axes

    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert [(name, bar.get_width()) for name, bar in zip(names, bars, strict=True)] == [
        ("HouseAge", 0.01),
        ("MedInc", 0.41),
    ]
    assert len({bar.get_facecolor() for bar in bars}) == 2
    assert axes.lines[0].get_xdata() == [0.2, 0.2]


@pytest.mark.parametrize("source", ["https://x.test *a* __b__ @c `d` ~~e~~ www.x.test <b>", "a_b"])
def test_the_card_shows_where_the_rows_come_from_as_text(source: str) -> None:
    snapshot = replace(snapshot_after(TABLE.to_numpy()), data_source=source)

    card = model_card(snapshot, {}, [], split(snapshot, min_rows=10))

    (paragraph,) = [part for part in card.split("\n") if "distinct rows" in part]
    (tokens,) = [token.children for token in MarkdownIt().parse(paragraph) if token.children]
    first, span, *rest = tokens
    assert (first.content, span.type) == ("300 distinct rows, source ", "code_inline")
    assert span.content == source.replace("`", "'")
    assert {token.type for token in rest} <= {"text", "code_inline"}
