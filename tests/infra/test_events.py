"""``events/``: one for each route, in the shape of the template's API, each with its command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

EVENTS = sorted((CHECKOUT / "events").glob("*.json"))
API_EVENTS = [path for path in EVENTS if path.name.startswith("api-")]
README = CHECKOUT / "events/README.md"
TEMPLATE = load(CHECKOUT / "infra/template.yaml")
ROUTES = [
    (path, method)
    for path, methods in json.loads((CHECKOUT / "docs/openapi.json").read_text())["paths"].items()
    for method in methods
]
FUNCTIONS = {
    "api": "PredictFunction",
    "s3": "RetrainFunction",
    "scheduled": "RetrainFunction",
    "sns": "NotifyFunction",
}
OWN_PATHS = {
    event["Properties"]["Path"]
    for event in TEMPLATE["Resources"]["PredictFunction"]["Properties"]["Events"].values()
} - {"/{proxy+}"}


def read(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return event


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_of_the_api_has_an_event_that_is_answered(path: str, method: str) -> None:
    found = [
        event.name
        for event in API_EVENTS
        if event.name.endswith(".ok.json")
        and (read(event)["path"], read(event)["httpMethod"].lower()) == (path, method)
    ]

    assert found


@pytest.mark.parametrize("path", API_EVENTS, ids=lambda path: path.stem)
def test_a_request_has_the_shape_in_which_the_templates_api_sends_it(path: Path) -> None:
    event = read(path)
    route, context = event["path"], event["requestContext"]

    is_own = route in OWN_PATHS
    assert event["resource"] == (route if is_own else "/{proxy+}")
    assert event["pathParameters"] == (None if is_own else {"proxy": route[1:]})
    assert (context["resourcePath"], context["httpMethod"]) == (
        event["resource"],
        event["httpMethod"],
    )
    assert context["path"] == f"/{context['stage']}{route}"
    assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]


def test_the_readme_has_the_command_of_every_event() -> None:
    written = re.findall(r"^\| .+ \| `(sam local invoke .+)` \|$", README.read_text(), re.MULTILINE)

    assert sorted(written) == sorted(
        f"sam local invoke {FUNCTIONS[path.name.partition('-')[0]]} -e events/{path.name} "
        "-n .local/sam-env.json --docker-network host"
        for path in EVENTS
    )


def test_the_readme_says_of_each_request_what_is_asked() -> None:
    said = re.findall(r"^\| `(\w+ \S+)`: .+ -e events/(\S+) ", README.read_text(), re.MULTILINE)

    assert {name: asked for asked, name in said} == {
        path.name: f"{read(path)['httpMethod']} {read(path)['path']}" for path in API_EVENTS
    }
