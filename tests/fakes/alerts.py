"""An alert sink that remembers."""

from housing.alerts.alert import Alert


class FakeAlerts:
    """Keeps every alert that was sent; while it is down, it takes none."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []
        self.is_down = False

    def send(self, alert: Alert) -> bool:
        """See ``AlertSink.send``."""
        if not self.is_down:
            self.sent.append(alert)
        return not self.is_down
