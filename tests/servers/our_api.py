"""The application over uvicorn, on loopback."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

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
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=server.run, args=([listening],))
        serving.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            serving.join(20)
