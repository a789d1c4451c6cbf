"""The route that says which of the stack's alarms ring."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from predict.admin.alarms import Alarms, AlarmState
from predict.http.problem_handlers import documented


class AlarmSummary(BaseModel):
    """One alarm."""

    name: str
    state: AlarmState
    description: str
    reason: str = Field(description="CloudWatch's, with the numbers")
    since: datetime


class Alerts(BaseModel):
    """The stack's CloudWatch alarms, those that ring first.

    Alerts of Prometheus' rules are in Alertmanager, which this service does not know.
    """

    source: Literal["cloudwatch"] = "cloudwatch"
    ringing: int
    alarms: list[AlarmSummary] = Field(description="empty where the stack makes none")


def alert_routes(alarms: Callable[[], Alarms]) -> APIRouter:
    """Build the route.

    Args:
        alarms: Returns the reader; called when it is needed.
    """
    router = APIRouter(tags=["service"])

    @router.get("/alerts", responses=documented(503))
    def alerts() -> Alerts:
        """List the stack's CloudWatch alarms, those that ring first."""
        current = alarms().current()
        return Alerts(
            ringing=sum(one.state == "ALARM" for one in current),
            alarms=[
                AlarmSummary(
                    name=one.name,
                    state=one.state,
                    description=one.description,
                    reason=one.reason,
                    since=one.since,
                )
                for one in current
            ],
        )

    return router
