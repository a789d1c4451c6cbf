"""Rows with equal features are rows of their own where the subject says so."""

from pathlib import Path

import numpy as np

from fakes.other_subject import run_tests
from fakes.tables import housing_table
from retrain.training.dataset.occurrences import Occurrences


def test_a_table_of_few_categories_keeps_all_its_rows() -> None:
    run_tests(Path(__file__).with_name("occurrences_cases.py"), "passengers")


def test_targets_that_lie_close_are_matched_whatever_their_digits() -> None:
    rows = np.repeat(housing_table(1).to_numpy(), 300, axis=0)
    rows[:, -1] = np.random.default_rng(0).uniform(1, 1.2, len(rows))
    occurrences = Occurrences()
    first = occurrences.positions(rows)
    part = np.random.default_rng(1).permutation(len(rows))[:40]
    rounded = rows[part]
    rounded[:, -1] = np.round(rounded[:, -1], 3)

    again = occurrences.positions(rounded)

    assert len(np.unique(first, axis=0)) == len(rows)
    assert len(np.unique(again, axis=0)) == len(part)
    nearest = {tuple(point): target for point, target in zip(first, rows[:, -1], strict=True)}
    off = [nearest[tuple(one)] - target for one, target in zip(again, rounded[:, -1], strict=True)]
    assert np.abs(off).max() < 0.01
