"""The application over uvicorn, on loopback."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fakes.clock import FakeClock
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.written_lines import WrittenLines
from housing.registry.port import ModelVersion
from predict.access.auth import Authenticator, OpenAccess
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry
from servers.application import served


@contextlib.contextmanager
def our_api(
    graph: bytes, folder: Path, *, name: str = "m", access: Authenticator | None = None
) -> Iterator[str]:
    """Serve a graph, by default to everybody."""
    version = ModelVersion(name, "1", run_id="r", created_at=FakeClock()(), tags={})
    store = FakeModelStore(ServedModel(version, Predictor(graph), loaded_at=FakeClock()()))
    settings = PredictSettings(auth="off", tracking_uri="http://registry.test", model_dir=folder)
    telemetry = Telemetry(WrittenLines())
    app = create_app(settings, store, telemetry, access or OpenAccess(), no_changes)
    with served(app) as url:
        yield url
