"""The loop with tables that nobody here made; ``make test-tables`` runs it."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fakes.real_tables import real_table
from housing.jobs.status import State
from housing.jobs.uploads import UploadRecords
from housing.registry.port import PREVIOUS, PRODUCTION
from housing.subject import Subject, load
from integration.running_stack import RunningStack, brought_up, wait_for

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not os.environ.get("HOUSING_TEST_TABLES"), reason="takes minutes: make test-tables"
    ),
]
FIRST_ROWS, MORE_ROWS, FEW_ROWS = 4_000, 5_000, 1_000
OUTPUT = {"regression": "prediction", "classification": "probability"}


@dataclass
class Table:
    """A running stack of a subject, and rows of its table."""

    stack: RunningStack
    subject: Subject
    rows: pd.DataFrame
    first_version: str

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """Return what HTTP answers for rows: the target, or the probability of the label."""
        return np.array([one[self.output] for one in map(self.answer, records(rows))])

    def answer(self, record: dict[str, Any]) -> dict[str, Any]:
        with self.stack.api() as api:
            answer: dict[str, Any] = api.post("/predict", json=record).raise_for_status().json()
        return answer

    @property
    def output(self) -> str:
        is_label = self.subject.task == "classification"
        return "probability" if is_label else self.subject.target.name

    @property
    def features(self) -> list[str]:
        return [column.name for column in self.subject.features]

    def as_served(self) -> pd.DataFrame:
        """Return some rows with the kinds that the model's signature names."""
        return self.rows[self.features].head(20)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            str(name): getattr(value, "item", lambda value=value: value)()
            for name, value in one.items()
        }
        for one in rows.to_dict("records")
    ]


def csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False).encode()


@pytest.fixture(scope="module", params=["diamonds", "default"])
def table(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Table]:
    text = real_table(request.param)
    rows = pd.read_csv(io.BytesIO(text)).sample(frac=1, random_state=1)
    for column in load(request.param).features:
        if column.kind == "boolean":
            rows[column.name] = rows[column.name] == "Yes"
    folder = tmp_path_factory.mktemp(request.param)
    first = folder / "first.csv"
    first.write_bytes(csv(rows.head(FIRST_ROWS)))
    with brought_up(folder / "stack", first, HOUSING_SUBJECT=request.param) as stack:
        version = stack.registry.version_by_alias(PRODUCTION).version
        yield Table(stack, load(request.param), rows, version)


def test_all_clients_get_the_same_answers(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table.as_served()
    here = table.answers(rows)

    with table.stack.api() as api:
        body = {"dataframe_split": {"columns": table.features, "data": rows.to_numpy().tolist()}}
        said = api.post("/invocations", json=body).raise_for_status().json()["predictions"]
    by_protocol = [
        one[OUTPUT[table.subject.task]] if isinstance(one, dict) else one for one in said
    ]
    # /predict rounds to six decimals.
    np.testing.assert_allclose(np.ravel(by_protocol), here, rtol=1e-5, atol=1e-6)

    uri = table.stack.env["MLFLOW_TRACKING_URI"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"models:/{table.subject.name}@{PRODUCTION}")
    there = model.predict(pd.read_csv(io.BytesIO(csv(table.rows.head(len(rows))))))
    of_model = np.ravel(there[OUTPUT[table.subject.task]])
    np.testing.assert_allclose(of_model, here, rtol=1e-4, atol=1e-5)


def test_a_better_upload_serves_a_worse_one_does_not_and_a_rollback_goes_back(
    table: Table,
) -> None:
    stack = table.stack
    later = table.rows.iloc[FIRST_ROWS:]
    more, few = later.head(MORE_ROWS), later.iloc[MORE_ROWS : MORE_ROWS + FEW_ROWS]
    job = stack.finished(stack.put("more.csv", csv(more)))
    assert (job.state, job.rows and job.rows.rejected) == (State.SUCCEEDED, 0), job

    # Honest rows contradict nothing, but a model of few rows is worse than production. The data
    # set may not be empty, so the first of them are there before the others are excluded.
    earlier = [record.job_id for record in UploadRecords(stack.s3, stack.bucket).newest()]
    half = len(few) // 2
    stack.finished(stack.put("few.csv", csv(few.head(half))))
    live = stack.registry.version_by_alias(PRODUCTION).version
    for one in earlier:
        excluded = stack.housing("data", "exclude", one, "--reason", "a test")
        assert excluded.returncode == 0, excluded.stdout + excluded.stderr
    refused = stack.finished(stack.put("other few.csv", csv(few.tail(half))))
    verdict = refused.verdict
    assert (refused.state, refused.promoted) == (State.SUCCEEDED, False), refused
    assert verdict is not None
    assert not verdict.promote
    assert verdict.change_upper is not None
    assert verdict.margin is not None
    may_be_worse = verdict.change_upper > verdict.margin
    assert may_be_worse or any(one.is_worse for one in verdict.slices), verdict
    # Of a classification few held-out rows have the label: by chance the version is better on them.
    if table.subject.task == "regression":
        assert verdict.change is not None
        assert verdict.change > 0
    assert stack.registry.version_by_alias(PRODUCTION).version == live

    # Without a second version that went live there is nothing to go back to.
    if live == table.first_version:
        promoted = stack.housing("promote", str(refused.model_version), "--reason", "a test")
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        wait_for(lambda: stack.health()["model"]["version"] == refused.model_version)
    before = stack.registry.version_by_alias(PREVIOUS).version
    done = stack.housing("rollback", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: stack.health()["model"]["version"] == before)
    record = records(table.as_served().head(1))[0]
    assert table.answer(record)["model_version"] == before
