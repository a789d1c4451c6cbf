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
    "audit": "AdminFunction",
    "s3": "RetrainFunction",
    "scheduled": "RetrainFunction",
    "sns": "NotifyFunction",
}
OF_THE_API: dict[str, str] = {
    event["Properties"]["Path"]: function
    for function in ("PredictFunction", "AdminFunction")
    for event in TEMPLATE["Resources"][function]["Properties"]["Events"].values()
    if event["Type"] == "Api"
}
"""The function that is asked for each path of the template."""
_GREEDY = "{proxy+}"


def read(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return event


def resource_of(route: str) -> str:
    """Return the path of the template that takes a request: itself, or the longest greedy one."""
    if route in OF_THE_API:
        return route
    greedy = [path for path in OF_THE_API if path.endswith(_GREEDY)]
    return max((path for path in greedy if route.startswith(path.removesuffix(_GREEDY))), key=len)


def function_of(path: Path) -> str:
    """Return the function that an event is for."""
    kind = path.name.partition("-")[0]
    return FUNCTIONS.get(kind) or OF_THE_API[resource_of(read(path)["path"])]


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_of_the_api_has_an_event_that_is_answered(path: str, method: str) -> None:
    pattern = re.sub(r"\{\w+\}", "[^/]+", path)
    events = [
        event.name
        for event in API_EVENTS
        if event.name.endswith(".ok.json")
        and re.fullmatch(pattern, read(event)["path"])
        and read(event)["httpMethod"].lower() == method
    ]

    assert events


@pytest.mark.parametrize("path", API_EVENTS, ids=lambda path: path.stem)
def test_a_request_has_the_shape_in_which_the_templates_api_sends_it(path: Path) -> None:
    event = read(path)
    route, context = event["path"], event["requestContext"]

    resource = resource_of(route)
    rest = route.removeprefix(resource.removesuffix(_GREEDY))
    assert event["resource"] == resource
    assert event["pathParameters"] == ({"proxy": rest} if rest else None)
    assert (context["resourcePath"], context["httpMethod"]) == (
        event["resource"],
        event["httpMethod"],
    )
    assert context["path"] == f"/{context['stage']}{route}"
    assert {name: [value] for name, value in event["headers"].items()} == event["multiValueHeaders"]


def test_the_readme_has_the_command_of_every_event() -> None:
    written = re.findall(r"^\| .+ \| `(sam local invoke .+)` \|$", README.read_text(), re.MULTILINE)

    assert sorted(written) == sorted(
        f"sam local invoke {function_of(path)} -e events/{path.name} "
        "-n .local/sam-env.json --docker-network host"
        for path in EVENTS
    )


def test_the_readme_says_of_each_request_what_is_asked() -> None:
    said = re.findall(r"^\| `(\w+ \S+)`: .+ -e events/(\S+) ", README.read_text(), re.MULTILINE)

    assert {name: asked for asked, name in said} == {
        path.name: f"{read(path)['httpMethod']} {read(path)['path']}" for path in API_EVENTS
    }
