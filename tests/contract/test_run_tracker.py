"""What the training job writes of a run, read back with MLflow's own client."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import mlflow
import pytest
from mlflow import MlflowClient

from fakes.faulty_proxy import Call, Fault, FaultyProxy
from fakes.http_server import http_server
from fakes.network_faults import ONCE
from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from fakes.uploads import snapshot_after
from housing.jobs.results import Drift
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import MODEL_FILE
from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.drift import measure_drift
from retrain.training.errors import TrackingError
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.figures import drift_figure
from retrain.training.tracking.mlflow import MlflowRunTracker
from retrain.training.tracking.port import Candidate, Description

# In MLflow's own code.
pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")

MODEL = linear_model()
ROWS = housing_table(400).to_numpy()


@pytest.fixture
def client(mlflow_uri: str) -> Iterator[MlflowClient]:
    before = mlflow.get_tracking_uri()
    yield MlflowClient(tracking_uri=mlflow_uri)
    mlflow.set_tracking_uri(before)


def candidate_of(job_id: str, drift: Drift) -> Candidate:
    return Candidate(
        job_id=job_id,
        model=MODEL,
        sha256=hashlib.sha256(MODEL).hexdigest(),
        snapshot=snapshot_after(ROWS),
        recipe=TrainingSettings(bucket="b", tracking_uri="http://registry.test").recipe(),
        metrics={"rmse": 0.4},
        card="# Card",
        drift=drift,
    )


def test_a_run_has_the_drift_of_every_column_as_metrics(
    mlflow_uri: str, client: MlflowClient
) -> None:
    drift = measure_drift(ROWS[:100] + 1, ROWS[100:], psi_limit=0.2, min_rows=50)

    tracker = MlflowRunTracker(mlflow_uri, "housing-drift", "bucket")
    run = client.get_run(tracker.register(candidate_of("job-1", drift)).run_id)

    psi = {f"drift.psi.{column.name}": column.psi for column in drift.columns}
    ks = {f"drift.ks.{column.name}": column.ks for column in drift.columns}
    assert run.data.metrics == {"rmse": 0.4, **psi, **ks}
    assert len(psi) == len(CANONICAL_HEADER)


def test_the_metrics_of_a_run_are_its_models_as_well(mlflow_uri: str, client: MlflowClient) -> None:
    drift = measure_drift(ROWS[:100] + 1, ROWS[100:], psi_limit=0.2, min_rows=50)
    tracker = MlflowRunTracker(mlflow_uri, "housing-metrics", "bucket")

    version = tracker.register(candidate_of("job-1", drift))

    source = client.get_model_version("housing-metrics", version.version).source
    model = client.get_logged_model(str(source).removeprefix("models:/"))
    measured = {metric.key: metric.value for metric in model.metrics or []}
    assert measured == client.get_run(version.run_id).data.metrics
    assert measured["rmse"] == 0.4


def test_a_description_is_added_to_the_run_of_a_version(
    mlflow_uri: str, client: MlflowClient
) -> None:
    drift = measure_drift(ROWS[:100] + 1, ROWS[100:], psi_limit=0.2, min_rows=50)
    tracker = MlflowRunTracker(mlflow_uri, "housing-described", "bucket")
    version = tracker.register(candidate_of("job-1", drift))
    figures = {"drift.png": drift_figure(drift, psi_limit=0.2)}

    tracker.describe(version, Description({"spatial_rmse": 0.6}, "# Whole card", figures))

    run = client.get_run(version.run_id)
    assert run.data.metrics["spatial_rmse"] == 0.6
    assert run.info.status == "FINISHED"
    paths = {one.path for one in client.list_artifacts(version.run_id)}
    assert {"model_card.md", "figures"} <= paths
    [figure] = client.list_artifacts(version.run_id, "figures")
    assert figure.path == "figures/drift.png"


def test_a_description_that_the_server_rejects_is_an_error_of_the_job(mlflow_uri: str) -> None:
    drift = measure_drift(ROWS[:100] + 1, ROWS[100:], psi_limit=0.2, min_rows=50)
    tracker = MlflowRunTracker(mlflow_uri, "housing-described", "bucket")
    version = replace(tracker.register(candidate_of("job-1", drift)), run_id="0" * 32)

    with pytest.raises(TrackingError, match="rejected the description"):
        tracker.describe(version, Description({"spatial_rmse": 0.6}, "# Card", {}))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("fault", ["lost", "cut"])  # MLflow's client sends again, or gives up
def test_a_version_whose_answer_does_not_come_is_one_version_with_its_card(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    drift = measure_drift(ROWS[:100], ROWS[100:], psi_limit=0.2, min_rows=50)
    name, proxy = f"housing-{fault}", FaultyProxy(registry=mlflow_uri)
    met: list[Call] = []

    def the_first_registration(call: Call) -> Fault | None:
        if met or not call.path.endswith("model-versions/create"):
            return None
        met.append(call)
        return ONCE[fault]

    proxy.restart(the_first_registration)
    with http_server(proxy.answer, keeps_alive=True) as uri:
        version = MlflowRunTracker(uri, name, "bucket").register(candidate_of("job-2", drift))

    assert proxy.injected == met
    registry = MlflowModelRegistry(mlflow_uri, name)
    [registered] = registry.versions()
    assert registered == version
    assert registered.description == "# Card"
    assert registry.download(version.version, MODEL_FILE) == MODEL


@pytest.mark.parametrize("failures", [1, 2])
def test_a_registration_that_fails_before_there_is_a_version_is_made_as_another_run(
    mlflow_uri: str, client: MlflowClient, failures: int
) -> None:
    drift = measure_drift(ROWS[:100], ROWS[100:], psi_limit=0.2, min_rows=50)
    proxy = FaultyProxy(registry=mlflow_uri)
    met: list[Call] = []

    def the_first_artifacts(call: Call) -> Fault | None:
        if len(met) == failures or call.method != "PUT":
            return None
        met.append(call)
        return ONCE["409"]

    proxy.restart(the_first_artifacts)
    with http_server(proxy.answer, keeps_alive=True) as uri:
        tracker = MlflowRunTracker(uri, f"housing-again-{failures}", "bucket")
        version = tracker.register(candidate_of("job-3", drift))

    assert proxy.injected == met
    assert client.get_run(version.run_id).info.status == "FINISHED"
    assert MlflowModelRegistry(mlflow_uri, f"housing-again-{failures}").versions() == [version]
