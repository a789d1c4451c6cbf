"""As much of MLflow's protocol as a model store needs; any path can be made to misbehave."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler

from fakes.http_server import Answer, answering

ALIAS, URI, FILE = "registered-models/alias", "get-download-uri", "mlflow-artifacts"


class ScriptedMlflow:
    """Names one version and serves its model, unless ``trouble`` says otherwise for a path."""

    def __init__(self, model: bytes, *, late_seconds: float, trickle_seconds: float) -> None:
        """Serve version 1.

        Args:
            model: Its graph.
            late_seconds: How long a late answer takes.
            trickle_seconds: Time between two bytes of an answer that trickles.
        """
        self.version, self.model = "1", model
        self.trouble: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.ended = threading.Event()
        self._late_seconds = late_seconds
        self._trickle_seconds = trickle_seconds

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer any request."""
        path = next(part for part in (ALIAS, URI, FILE) if part in request.path)
        self.asked.append(path)
        self.trouble.get(path, self._healthy(path))(request)

    def _healthy(self, path: str) -> Answer:
        tag = {"key": "sha256", "value": hashlib.sha256(self.model).hexdigest()}
        version = {"name": "m", "version": self.version, "creation_timestamp": 0, "tags": [tag]}
        bodies = {
            ALIAS: json.dumps({"model_version": version}).encode(),
            URI: b'{"artifact_uri": "mlflow-artifacts:/1/model"}',
            FILE: self.model,
        }
        return answering(200, bodies[path])

    def silent(self, _request: BaseHTTPRequestHandler) -> None:
        """Never answer."""
        self.ended.wait(30)

    def late(self, request: BaseHTTPRequestHandler) -> None:
        """Answer rightly, but late."""
        self.ended.wait(self._late_seconds)
        path = next(part for part in (ALIAS, URI, FILE) if part in request.path)
        self._healthy(path)(request)

    def trickling_headers(self, request: BaseHTTPRequestHandler) -> None:
        """Send headers that never end."""
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        self._trickle(request)

    def trickling_body(self, request: BaseHTTPRequestHandler) -> None:
        """Send a body that never ends."""
        request.send_response(200)
        request.end_headers()
        self._trickle(request)

    def _trickle(self, request: BaseHTTPRequestHandler) -> None:
        try:
            while not self.ended.wait(self._trickle_seconds):
                request.wfile.write(b" ")
        except OSError:  # the client has had enough
            request.close_connection = True

    def truncated(self, request: BaseHTTPRequestHandler) -> None:
        """Send the model without its end."""
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.model)))
        request.end_headers()
        request.wfile.write(self.model[:-10])
