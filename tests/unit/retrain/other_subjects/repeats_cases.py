"""Cases of a subject whose rows repeat; ``test_other_subjects`` runs them in another process."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from fakes.registry import FakeModelRegistry
from housing.jobs.status import JobStore, State
from housing.registry.port import PRODUCTION
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

ROWS, MORE_ROWS = 1_500, 500
FARES = (7.25, 8.05, 26.0, 80.5)


def passengers(count: int) -> pd.DataFrame:
    """Draw rows of 24 combinations, of which each has a probability of its own."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "class": random.choice(["1st", "2nd", "3rd"], count),
            "sex": random.choice(["female", "male"], count),
            "fare": random.choice(FARES, count),
        }
    )
    chance = 0.15 + 0.5 * (table["sex"] == "female") + 0.25 * (table["class"] == "1st")
    return table.assign(survived=random.random(count) < chance)


def csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False).encode()


def test_a_table_of_few_categories_trains_on_all_its_rows_and_grows(
    context: JobContext,
    put_upload: Callable[..., Upload],
    jobs: JobStore,
    registry: FakeModelRegistry,
) -> None:
    table = passengers(ROWS + MORE_ROWS)
    first = put_upload(csv(table.head(ROWS)), "first.csv")
    assert run(first, context) == State.SUCCEEDED, jobs.load(first.job_id)
    status = jobs.load(first.job_id)
    assert (status.dataset_rows, status.rows and status.rows.new) == (ROWS, ROWS)
    assert status.verdict is not None
    assert status.verdict.promote, status.verdict.reason
    assert registry.version_by_alias(PRODUCTION).version == status.model_version

    whole = put_upload(csv(table.sample(frac=1, random_state=1)), "whole.csv")

    assert run(whole, context) == State.SUCCEEDED, jobs.load(whole.job_id)
    status = jobs.load(whole.job_id)
    assert status.dataset_rows == ROWS + MORE_ROWS
    assert status.held is None
    assert status.verdict is not None
    assert status.verdict.champion_version == "1"

    again = put_upload(csv(table), "again.csv")
    assert run(again, context) == State.SUCCEEDED, jobs.load(again.job_id)
    assert jobs.load(again.job_id).dataset_id == status.dataset_id
