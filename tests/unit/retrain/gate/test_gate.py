"""The gate's verdict on champion and challenger."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.tables import housing_table
from housing.jobs.results import Verdict
from retrain.training.dataset.rows import Rows
from retrain.training.gate.gate import judge, judge_first, relative_change
from retrain.training.rules import GateRules

RULES = GateRules(margin=0.01, confidence=0.8, slice_limit=0.1, slice_min_rows=30)
HELD = Rows.of(housing_table(2_000, seed=5).to_numpy())
NOISE = np.random.default_rng(1).normal(0, 0.4, len(HELD))
Prices = NDArray[np.float64]


def off_by(error: Prices) -> Prices:
    return HELD.prices + error


def judged(challenger: Prices, champion: Prices, rules: GateRules = RULES) -> Verdict:
    return judge(off_by(challenger), off_by(champion), HELD, rules, champion_version="3")


def test_a_better_model_is_promoted_and_the_numbers_are_kept() -> None:
    verdict = judged(0.9 * NOISE, NOISE)

    assert verdict.promote
    assert verdict.challenger_rmse == pytest.approx(0.9 * verdict.champion_rmse)  # type: ignore[operator]
    assert verdict.change == pytest.approx(-0.1)
    assert (verdict.champion_version, verdict.holdout_rows) == ("3", 2_000)
    assert verdict.reason.endswith("(-10.0%): better (80% sure)")


@pytest.mark.parametrize(("times", "promoted"), [(1.0, True), (1.009, True), (1.011, False)])
def test_a_model_may_be_worse_by_the_margin_and_no_more(times: float, *, promoted: bool) -> None:
    # Every error is the same multiple of the champion's: chance has no part in it.
    assert judged(times * NOISE, NOISE).promote is promoted


def test_a_model_that_is_as_good_only_by_chance_is_not_promoted() -> None:
    few = Rows(HELD.features[:40], HELD.prices[:40])
    other = np.random.default_rng(2).normal(0, 0.4, 40)
    other *= np.sqrt(np.mean(NOISE[:40] ** 2) / np.mean(other**2))  # the same RMSE, other rows

    verdict = judge(few.prices + other, few.prices + NOISE[:40], few, RULES, champion_version="3")

    assert verdict.change == pytest.approx(0)
    assert not verdict.promote
    assert "it may be worse by" in verdict.reason


def test_a_slice_that_is_much_worse_keeps_a_better_model_out_and_is_named() -> None:
    dearest = HELD.prices >= np.quantile(HELD.prices, 0.75)
    error = np.where(dearest, 1.3 * NOISE, 0.7 * NOISE)

    verdict = judged(error, NOISE)

    assert verdict.change is not None
    assert verdict.change < 0
    assert not verdict.promote
    assert "dearest quarter (+30%)" in verdict.reason
    is_worse = {one.name: one.is_worse for one in verdict.slices}
    assert (is_worse["dearest quarter"], is_worse["cheapest quarter"]) == (True, False)
    assert judged(error, NOISE, replace(RULES, slice_limit=0.5)).promote


def test_slices_that_differ_by_chance_alone_rarely_keep_a_model_out() -> None:
    random = np.random.default_rng(7)
    pairs = [random.normal(0, 0.4, (2, len(HELD))) for _ in range(20)]

    refused = [any(one.is_worse for one in judged(*pair).slices) for pair in pairs]

    assert sum(refused) <= 3


def test_small_slices_are_not_judged() -> None:
    verdict = judged(NOISE, NOISE, replace(RULES, slice_min_rows=400))

    assert {one.name for one in verdict.slices} >= {"cheapest quarter", "dearest quarter"}
    assert all(one.rows >= 400 for one in verdict.slices)


def test_the_limits_hold_the_true_change_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    prices = np.zeros(400)
    uppers = []
    for _ in range(100):  # truly 5 % worse
        old, new = random.normal(0, 1, 400), random.normal(0, 1.05, 400)
        uppers.append(relative_change(new, old, prices, confidence=0.9).upper)

    assert 0.84 <= np.mean(np.array(uppers) >= 0.05) <= 0.96


def test_many_rows_are_grouped_and_give_the_same_limits() -> None:
    random = np.random.default_rng(4)
    old, new = random.normal(0, 1, (2, 50_000))

    change = relative_change(new, old, np.zeros(50_000), confidence=0.9)

    assert change.relative == pytest.approx(np.sqrt((new**2).mean() / (old**2).mean()) - 1)
    # Standard error of the ratio of two independent RMSEs: 1/sqrt(n).
    assert change.upper - change.relative == pytest.approx(1.28 / np.sqrt(50_000), rel=0.15)


def test_a_champion_without_error_is_beaten_by_none() -> None:
    assert not judged(NOISE, 0 * NOISE).promote
    assert judged(0 * NOISE, 0 * NOISE).promote


@pytest.mark.parametrize(("error", "promoted"), [(0.69, True), (0.71, False)])
def test_the_first_model_must_beat_the_line(error: float, *, promoted: bool) -> None:
    prices = np.array([1.0, 2.0, 3.0, 4.0])

    verdict = judge_first(prices + error, prices, baseline=0.7, because="the first model")

    assert verdict.promote is promoted
    assert verdict.reason.startswith("the first model, and ")
    assert (verdict.champion_rmse, verdict.baseline_rmse) == (None, 0.7)
