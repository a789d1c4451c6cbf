"""An alert sink that remembers."""

from housing.alerts.alert import Alert


class FakeAlerts:
    """Keeps every alert that was sent; while it is down, it takes none.

    Attributes:
        raises: Raised in place of sending while it is set, as where the process is killed.
    """

    def __init__(self) -> None:
        self.sent: list[Alert] = []
        self.is_down = False
        self.raises: BaseException | None = None

    def send(self, alert: Alert) -> bool:
        """See ``AlertSink.send``."""
        if self.raises:
            raise self.raises
        if not self.is_down:
            self.sent.append(alert)
        return not self.is_down
