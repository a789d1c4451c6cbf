"""A claim on sending one alert: of many processes that would, one does; if it dies, another."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel


class Claim(BaseModel):
    """Who sends an alert at this moment; the others leave it alone until a moment."""

    by: str
    """An id that no other process uses."""
    until: AwareDatetime

    def is_live(self, now: datetime, longest: timedelta) -> bool:
        """Whether the others wait; a claim from the future is not, whose clock was set back."""
        return self.until - longest <= now < self.until
