"""``GET /alerts``: the stack's own alarms, those that ring first."""

import asyncio

import pytest
from botocore.exceptions import EndpointConnectionError
from fastapi import FastAPI

from fakes.asgi_client import AsgiClient
from fakes.cloudwatch import FakeAlarms
from housing_ops.template import load
from infra.reading import TEMPLATE, of_type, strings
from predict.admin.alarms import Alarms
from predict.http import problem_handlers
from predict.http.routes.alerts import alert_routes


@pytest.fixture
def cloudwatch() -> FakeAlarms:
    return FakeAlarms(**{"prod-a": "OK", "prod-b": "ALARM", "others": "ALARM"})


@pytest.fixture
def alarms(cloudwatch: FakeAlarms) -> Alarms:
    return Alarms(lambda: cloudwatch, ("prod-a", "prod-b", "prod-c"))


@pytest.fixture
def api(loop: asyncio.AbstractEventLoop, alarms: Alarms) -> AsgiClient:
    app = FastAPI()
    problem_handlers.install(app)
    app.include_router(alert_routes(lambda: alarms))
    return AsgiClient(app, loop)


def test_the_stacks_own_alarms_are_listed_those_that_ring_first(api: AsgiClient) -> None:
    alerts = api.get("/alerts").json()

    assert (alerts["source"], alerts["ringing"]) == ("cloudwatch", 1)
    assert [(one["name"], one["state"]) for one in alerts["alarms"]] == [
        ("prod-b", "ALARM"),
        ("prod-a", "OK"),
    ]
    assert alerts["alarms"][0]["description"] == "about prod-b"


def test_a_cloudwatch_that_is_away_is_503(api: AsgiClient, cloudwatch: FakeAlarms) -> None:
    cloudwatch.fails_with = EndpointConnectionError(endpoint_url="https://monitoring.test")

    answer = api.get("/alerts")

    assert answer.status_code == 503
    assert "alarms" in answer.json()["detail"]
    assert "monitoring.test" not in answer.text


def test_a_stack_without_alarms_asks_nobody(cloudwatch: FakeAlarms) -> None:
    cloudwatch.fails_with = AssertionError("it was asked")

    assert Alarms(lambda: cloudwatch, ()).current() == []


def test_the_template_names_all_of_its_alarms_to_the_function() -> None:
    template = load(TEMPLATE)
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    variables = template["Resources"]["AdminFunction"]["Properties"]["Environment"]["Variables"]

    [text] = strings(variables["HOUSING_ALARMS"])
    named = set(text.split(", "))
    assert named == {one for alarm in alarms for one in strings(alarm["AlarmName"])}
    assert len(named) >= 8
