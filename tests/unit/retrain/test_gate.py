"""Who may go live."""

import numpy as np
import pytest

from retrain.training.gate import judge, judge_first

PRICES = np.array([1.0, 2.0, 3.0, 4.0])


def off_by(error: float) -> np.ndarray:
    return PRICES + error


def test_a_better_model_is_promoted_and_the_numbers_are_kept() -> None:
    verdict = judge(off_by(0.3), off_by(0.4), PRICES, champion_version="3", margin=0.01)

    assert verdict.promote
    assert verdict.challenger_rmse == pytest.approx(0.3)
    assert verdict.champion_rmse == pytest.approx(0.4)
    assert (verdict.champion_version, verdict.holdout_rows) == ("3", 4)


@pytest.mark.parametrize(("error", "promoted"), [(0.4039, True), (0.4041, False)])
def test_a_model_may_be_worse_by_the_margin_and_no_more(error: float, *, promoted: bool) -> None:
    verdict = judge(off_by(error), off_by(0.4), PRICES, champion_version="3", margin=0.01)

    assert verdict.promote is promoted


def test_a_reason_names_both_errors_and_the_champion() -> None:
    verdict = judge(off_by(0.5), off_by(0.4), PRICES, champion_version="3", margin=0.01)

    assert verdict.reason == "RMSE 0.5000 is above version 3's 0.4000 plus 1.0%"


@pytest.mark.parametrize(("error", "promoted"), [(0.69, True), (0.71, False)])
def test_the_first_model_must_beat_the_line(error: float, *, promoted: bool) -> None:
    verdict = judge_first(off_by(error), PRICES, baseline=0.7, because="the first model")

    assert verdict.promote is promoted
    assert verdict.reason.startswith("the first model, and ")
    assert verdict.champion_rmse is None
