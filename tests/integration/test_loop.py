"""The loop that the project is about: a CSV in, a retrained model behind the API."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from housing.jobs.status import State
from housing.registry.port import PREVIOUS, PRODUCTION
from housing.schema import FEATURE_NAMES, FEATURES
from housing.tree_library import LIBRARY
from integration.conftest import write_rows
from integration.running_stack import RunningStack, local_stack, wait_for
from subjects.california.sample import generate

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}


def test_bringing_the_stack_up_ends_with_a_prediction_and_what_to_try(stack: RunningStack) -> None:
    assert "A house price through API Gateway: $" in stack.first_output
    assert "trained on data: file:first.csv" in stack.first_output
    assert ("trees of the library" in stack.first_output) == LIBRARY.exists()
    assert stack.env["HOUSING_API_URL"] in stack.first_output
    assert stack.env["HOUSING_API_KEY"] in stack.first_output


def test_sam_gets_the_variables_that_the_deployed_functions_have(stack: RunningStack) -> None:
    given = json.loads((stack.state_dir / "sam-env.json").read_text())

    assert set(given) == {f"{one}Function" for one in ("Predict", "Admin", "Retrain", "Notify")}
    for variables in given.values():
        assert variables["AWS_ENDPOINT_URL"] == stack.env["AWS_ENDPOINT_URL"]
        assert variables["MLFLOW_TRACKING_URI"] == stack.env["MLFLOW_TRACKING_URI"]
        assert variables["HOUSING_BUCKET"] == stack.bucket
    alerts = given["PredictFunction"]["HOUSING_ALERT_TOPIC_ARN"]
    assert alerts == stack.env["HOUSING_ALERT_TOPIC_ARN"]


def test_a_csv_of_a_plain_s3_client_ends_as_the_served_model(stack: RunningStack) -> None:
    before = stack.health()["model"]["version"]
    body = generate(rows=4_000, seed=2).to_csv(index=False).encode()

    job = stack.finished(stack.put("more rows + more.csv", body))

    assert (job.state, job.promoted) == (State.SUCCEEDED, True), job
    assert job.model_version != before
    assert job.rows is not None
    assert (job.rows.accepted, job.rows.rejected) == (4_000, 0)
    assert stack.registry.version_by_alias(PRODUCTION).version == job.model_version
    assert stack.registry.version_by_alias(PREVIOUS).version == before
    wait_for(lambda: stack.health()["model"]["version"] == job.model_version)
    with stack.api() as api:
        answer = api.post("/predict", json=EXAMPLE).raise_for_status().json()
    assert answer["model_version"] == job.model_version
    assert answer["interval_90"]["lower"] <= answer["MedHouseVal"] <= answer["interval_90"]["upper"]


def test_everybody_elses_client_gets_the_same_numbers(
    stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", stack.env["MLFLOW_TRACKING_URI"])
    mlflow.set_tracking_uri(stack.env["MLFLOW_TRACKING_URI"])
    model = mlflow.pyfunc.load_model(f"models:/{stack.env['HOUSING_MODEL_NAME']}@{PRODUCTION}")
    row = pd.DataFrame([EXAMPLE], columns=list(FEATURE_NAMES), dtype=float)

    there = model.predict(row)
    with stack.api() as api:
        here = api.post("/predict", json=EXAMPLE).raise_for_status().json()

    assert here["MedHouseVal"] == pytest.approx(float(np.ravel(there["price"])[0]), abs=1e-5)
    assert model.metadata.signature is not None


def test_a_repeated_upload_of_the_same_rows_makes_no_second_version(stack: RunningStack) -> None:
    body = generate(rows=500, seed=3).to_csv(index=False).encode()
    first = stack.finished(stack.put("again.csv", body))
    versions = len(stack.registry.versions())

    second = stack.finished(stack.put("again.csv", body))

    assert second.state == State.SUCCEEDED
    assert second.model_version == first.model_version
    assert second.rows is not None
    assert second.rows.new == 0
    assert len(stack.registry.versions()) == versions


def test_an_export_brings_the_predictions_that_were_made_once(
    stack: RunningStack, tmp_path: Path
) -> None:
    path = tmp_path / "predictions.db"
    incomes = [1.25, 2.5, 5.0]
    with stack.api() as api:
        answers = [api.post("/predict", json=EXAMPLE | {"MedInc": value}) for value in incomes]
    prices = [answer.raise_for_status().json()["MedHouseVal"] for answer in answers]

    def exported() -> list[tuple[float, float]] | None:
        done = stack.housing("predictions", "export", "--since", "1h", "--to", str(path))
        assert done.returncode == 0, done.stdout + done.stderr
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT MedInc, price FROM predictions").fetchall()
        made = sorted(row for row in rows if row[0] in incomes)
        return made if len(made) >= len(incomes) else None

    first = wait_for(exported)
    again = wait_for(exported)

    assert [row[0] for row in first] == incomes
    assert [row[1] for row in first] == pytest.approx(prices, abs=1e-5)
    assert again == first


def test_the_command_line_uploads_waits_and_shows(stack: RunningStack, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "by-hand.csv", rows=600, seed=4)

    uploaded = stack.housing("upload", str(path), "--wait")
    models = stack.housing("models")
    status = stack.housing("status")
    predicted = stack.housing("predict", "--MedInc", "3")

    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    assert "production" in models.stdout
    assert "by-hand.csv" in status.stdout
    assert (predicted.returncode, "$" in predicted.stdout) == (0, True), predicted.stderr


def test_the_functions_log_lines_are_in_their_log_groups(stack: RunningStack) -> None:
    with stack.api() as api:
        api.post("/predict", json=EXAMPLE).raise_for_status()

    said = local_stack(stack.environment, "logs").stdout

    assert "PredictionRequests" in said
    assert '"prediction"' in said
