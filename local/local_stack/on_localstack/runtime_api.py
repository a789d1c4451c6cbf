"""AWS's Lambda Runtime API on loopback, for one function's process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LOOPBACK = "127.0.0.1"
_PREFIX = "/2018-06-01/runtime/"
_OK, _ACCEPTED, _BAD_REQUEST, _NOT_FOUND, _GONE = 200, 202, 400, 404, 410


@dataclass(frozen=True, slots=True)
class Invocation:
    """An invocation of a function."""

    request_id: str
    payload: bytes
    function_arn: str
    deadline_ms: int
    trace_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the function's runtime."""
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": self.trace_id,
        }


@dataclass(frozen=True, slots=True)
class Response:
    """The response to an invocation."""

    body: bytes
    is_error: bool


class RuntimeApi:
    """Passes one invocation at a time to the process, and its response back."""

    def __init__(self) -> None:
        self.settled = threading.Event()
        """Set when the process asks for its first invocation, or posts an initialisation error."""
        self.init_error: bytes | None = None
        self._calls: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Response] = queue.SimpleQueue()
        self._request_id: str | None = None
        self._server = ThreadingHTTPServer((_LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"{_LOOPBACK}:{self._server.server_port}"

    def ask(self, invocation: Invocation) -> None:
        """Pass an invocation to the process."""
        self._request_id = invocation.request_id
        self._calls.put(invocation)

    def answer(self, seconds: float) -> Response | None:
        """Return the response; None without one after ``seconds``."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop the server; a waiting process gets 410."""
        self._calls.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next_call(self) -> Invocation | None:
        """Wait for an invocation; None when the server stops."""
        self.settled.set()
        return self._calls.get()

    def post(self, path: str, body: bytes) -> int:
        """Handle a POST of the process; return the status code."""
        if path == "init/error":
            self.init_error = body
            self.settled.set()
            return _ACCEPTED
        kind, _, rest = path.partition("/")
        request_id, _, verdict = rest.partition("/")
        if kind != "invocation" or verdict not in ("response", "error"):
            return _NOT_FOUND
        if request_id != self._request_id:
            return _BAD_REQUEST
        self._request_id = None
        self._answers.put(Response(body, is_error=verdict == "error"))
        return _ACCEPTED


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != f"{_PREFIX}invocation/next":
                self._send(_NOT_FOUND)
            elif call := api.next_call():
                self._send(_OK, call.payload, call.headers)
            else:
                self._send(_GONE)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._send(api.post(self.path.removeprefix(_PREFIX), body))

        def _send(
            self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
