"""A registry of one version on loopback, as MLflow's REST API has it: for cold starts in a row."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from housing.registry.port import Tag
from housing.tree_library import LIBRARY, identity

_NAME = "california-housing"


@contextmanager
def serving(model: bytes) -> Iterator[str]:
    """Serve a model; yield the URL."""
    version = {
        "name": _NAME,
        "version": "1",
        "run_id": "run",
        "creation_timestamp": 1_700_000_000_000,
        "tags": [{"key": name, "value": value} for name, value in _tags(model).items()],
    }
    answers = {
        "registered-models/alias": {"model_version": version},
        "model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/model"},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            answer = answers.get(path.removeprefix("/api/2.0/mlflow/"))
            body = json.dumps(answer).encode() if answer else model
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _tags(model: bytes) -> dict[str, str]:
    """Return the tags that the service reads; the trees' as a training job writes it."""
    tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
    return tags | {Tag.TREES: identity()} if LIBRARY.exists() else tags
