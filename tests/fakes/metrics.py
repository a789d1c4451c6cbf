"""A metric sink that remembers."""


class FakeMetrics:
    """Keeps every value that was added, by the metric's name."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.units: dict[str, str] = {}

    def add_metric(self, name: str, unit: str, value: float) -> None:
        """See ``MetricSink.add_metric``."""
        self.values.setdefault(name, []).append(value)
        self.units[name] = unit
