"""What the training job writes of a run, read back with MLflow's own client."""

import hashlib
from collections.abc import Iterator

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from fakes.uploads import snapshot_after
from housing.jobs.findings import Drift
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.drift import measure_drift
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.figures import drift_figure
from retrain.training.tracking.mlflow import MlflowRunTracker
from retrain.training.tracking.port import Candidate

MODEL = linear_model()
ROWS = housing_table(400).to_numpy()


@pytest.fixture
def client(mlflow_uri: str) -> Iterator[MlflowClient]:
    before = mlflow.get_tracking_uri()
    yield MlflowClient(tracking_uri=mlflow_uri)
    mlflow.set_tracking_uri(before)


def tracked(uri: str, client: MlflowClient, drift: Drift) -> Run:
    candidate = Candidate(
        job_id="job-1",
        model=MODEL,
        sha256=hashlib.sha256(MODEL).hexdigest(),
        snapshot=snapshot_after(ROWS),
        recipe=TrainingSettings(bucket="b", tracking_uri=uri).recipe(),
        metrics={"rmse": 0.4},
        card="# Card",
        figures={"drift.png": drift_figure(drift, psi_limit=0.2)},
        drift=drift,
    )
    version = MlflowRunTracker(uri, "housing-drift", "bucket").register(candidate)
    return client.get_run(version.run_id)


@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # in MLflow's own code
def test_a_run_has_the_drift_of_every_column_as_metrics_and_as_a_figure(
    mlflow_uri: str, client: MlflowClient
) -> None:
    drift = measure_drift(ROWS[:100] + 1, ROWS[100:], psi_limit=0.2, min_rows=50)

    run = tracked(mlflow_uri, client, drift)

    psi = {f"drift.psi.{column.name}": column.psi for column in drift.columns}
    ks = {f"drift.ks.{column.name}": column.ks for column in drift.columns}
    assert run.data.metrics == {"rmse": 0.4, **psi, **ks}
    assert len(psi) == len(CANONICAL_HEADER)
    figures = client.list_artifacts(run.info.run_id, "figures")
    assert [figure.path for figure in figures] == ["figures/drift.png"]
