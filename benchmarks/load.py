"""The load: one keep-alive connection for latencies, ``wrk`` for throughput; cheap themselves."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np

_TIMEOUT_SECONDS = 30
_LONGEST_ANSWER = 4 << 20
_CONNECTIONS = 16
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class LoadError(Exception):
    """Raised when a server answers what it should not, or not at all."""


class Connection:
    """One HTTP/1.1 connection to a loopback port, without a client library's own time."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self._port = port
        self._read = bytearray(_LONGEST_ANSWER)
        self._size = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a JSON body; return status and body of the answer."""
        return self.send(request_bytes(self._port, path, body, headers))

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a request that was written before.

        Raises:
            LoadError: The connection was closed.
        """
        self._socket.sendall(request)
        self._size = 0
        while (end := self._read.find(_HEAD_END, 0, self._size)) < 0:
            self._more()
        begin = end + len(_HEAD_END)
        head = bytes(self._read[:begin])
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if length:
            wanted = begin + int(length[1])
            while self._size < wanted:
                self._more()
        else:  # chunked
            while not self._read.endswith(_LAST_CHUNK, 0, self._size):
                self._more()
        return int(head[9:12]), bytes(self._read[begin : self._size])

    def _more(self) -> None:
        """Read on into what is kept for all answers: no allocation is part of what is measured.

        Raises:
            LoadError: The connection was closed, or the answer is longer than all that are known.
        """
        received = self._socket.recv_into(memoryview(self._read)[self._size :])
        if not received:
            msg = "the server closed the connection, or its answer is too long"
            raise LoadError(msg)
        self._size += received


def request_bytes(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Write a request."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def latencies_ms(port: int, requests: list[bytes], *, warm_up: int) -> list[float]:
    """Send requests one after the other; return the time of each, in ms.

    Raises:
        LoadError: An answer is not 200.
    """
    latencies = []
    with Connection(port) as connection:
        for request in requests[:warm_up]:
            connection.send(request)
        for request in requests:
            started = time.perf_counter()
            status, answer = connection.send(request)
            latencies.append((time.perf_counter() - started) * 1_000)
            if status != 200:  # noqa: PLR2004 - HTTP OK
                msg = f"{status}: {answer[:300]!r}"
                raise LoadError(msg)
    return latencies


def requests_per_second(  # noqa: PLR0913 - what wrk wants
    port: int, path: str, body: bytes, headers: Mapping[str, str], *, seconds: int, folder: Path
) -> float:
    """Let ``wrk`` send one body over 16 connections.

    Raises:
        LoadError: wrk is not installed, or answers were errors.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        msg = "wrk is not installed: apt-get install wrk"
        raise LoadError(msg)
    script = folder / "wrk.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body.decode())}"]
    for name, value in {"Content-Type": "application/json", **headers}.items():
        lines.append(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}")
    script.write_text("\n".join(lines))
    command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    done = subprocess.run(  # noqa: S603 - wrk on loopback, for bounded seconds
        [*command, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=True,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise LoadError(done.stdout)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if not rate:
        raise LoadError(done.stdout)
    return float(rate[1])


def percentile(values: list[float], share: float) -> float:
    """Return a percentile; share in 0 … 100."""
    return float(np.percentile(values, share))
