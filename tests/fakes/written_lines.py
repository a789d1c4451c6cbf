"""A sink of telemetry's lines that remembers them."""

import json
from typing import Any


class WrittenLines:
    """Keeps every line, parsed."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def __call__(self, lines: bytes, /) -> None:
        """See ``LineSink``."""
        self.all += map(json.loads, lines.splitlines())

    def named(self, message: str) -> list[dict[str, Any]]:
        """Return the lines of one message."""
        return [line for line in self.all if line["message"] == message]

    def metrics(self) -> dict[str, list[float]]:
        """Return the values of every metric that a line declares, as CloudWatch would find them."""
        values: dict[str, list[float]] = {}
        for line in self.all:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    values.setdefault(metric["Name"], []).append(line[metric["Name"]])
        return values
