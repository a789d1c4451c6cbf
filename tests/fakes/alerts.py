"""An alert sink that remembers."""

from housing.alerts import Alert


class FakeAlerts:
    """Keeps every alert that was sent."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []

    def send(self, alert: Alert) -> None:
        """See ``AlertSink.send``."""
        self.sent.append(alert)
