"""A run and its version are written once, whatever the network does to one call of MLflow's client.

The server is a real one, and the client takes a second for each: ``make test-faults`` runs it.
"""

import hashlib
from collections.abc import Iterator

import mlflow
import pytest

from fakes.network_faults import ONCE
from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from fakes.uploads import snapshot_after
from faults.conftest import EVERY_FAULT, Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from housing.registry.port import MODEL_FILE, Tag
from retrain.training.errors import TrackingError
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.mlflow import MlflowRunTracker
from retrain.training.tracking.port import Candidate, find_trained

MODEL = linear_model()
SNAPSHOT = snapshot_after(housing_table(40).to_numpy())

pytestmark = [
    pytest.mark.skipif(not EVERY_FAULT, reason="takes minutes: make test-faults"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),  # MLflow's own code
]


@pytest.fixture(autouse=True)
def _impatient_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Configure MLflow's client as the job does, but not to wait."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


class Registration:
    """What a job does once its model is made; a job that is run again looks for the version."""

    may_raise: tuple[type[Exception], ...] = (TrackingError,)

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        recipe = TrainingSettings(bucket="b", tracking_uri=around.endpoints.proxy_url).recipe()
        self._candidate = Candidate(
            job_id="job-1",
            model=MODEL,
            sha256=hashlib.sha256(MODEL).hexdigest(),
            snapshot=SNAPSHOT,
            recipe=recipe,
            metrics={"rmse": 0.4},
            card="# Card",
        )

    def act(self) -> None:
        around, candidate = self.around, self._candidate
        trained = find_trained(
            around.registry,
            dataset_id=candidate.snapshot.dataset_id,
            settings_id=candidate.recipe.settings_id,
        )
        if trained is None:
            tracker = MlflowRunTracker(around.endpoints.proxy_url, around.name, around.bucket)
            tracker.register(candidate)

    def check(self, _meeting: Meeting) -> None:
        registry = self.around.registry
        [version] = registry.versions()
        assert registry.download(version.version, MODEL_FILE) == MODEL
        assert version.tags.items() >= self._candidate.tags().items()
        assert version.tags[Tag.METRIC_PREFIX + "rmse"] == "0.4"
        assert version.description == "# Card"


@pytest.mark.parametrize("fault", ONCE)
def test_a_version_is_registered_once_and_whole(proved: Prove, fault: str) -> None:
    proved(Registration, fault)
