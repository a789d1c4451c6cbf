"""HTTP's manners through the deployed gateway: methods, slashes, protocols, and the command."""

import json

import pytest

from housing.schema import FEATURE_NAMES, FEATURES
from integration.running_stack import RunningStack

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}
ROW = ",".join(str(value) for value in EXAMPLE.values())


def test_monitors_and_browsers_get_answers_without_a_key(stack: RunningStack) -> None:
    with stack.api(key="") as api:
        heads = [api.head(path) for path in ("/health", "/ping")]
        preflight = api.options("/predict")
        closed = api.head("/model")

    assert [(answer.status_code, answer.content) for answer in heads] == [(200, b"")] * 2
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert closed.status_code == 403


def test_slashes_at_the_end_of_a_path_are_no_redirect(stack: RunningStack) -> None:
    with stack.api() as api:
        slashed = api.post("/predict/", json=EXAMPLE)
        plain = api.post("/predict", json=EXAMPLE)

    assert (slashed.status_code, slashed.json()) == (200, plain.json())


def test_the_open_inference_protocol_is_spoken_with_a_key(stack: RunningStack) -> None:
    model = stack.env["HOUSING_MODEL_NAME"]
    tensor = {"name": "x", "shape": [1, 8], "datatype": "FP64", "data": [*EXAMPLE.values()]}
    with stack.api() as api:
        ready = api.get(f"/v2/models/{model}/ready")
        answer = api.post(f"/v2/models/{model}/infer", json={"inputs": [tensor]})
        price = api.post("/predict", json=EXAMPLE).json()["MedHouseVal"]

    assert ready.json() == {"name": model, "ready": True}
    outputs = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    assert outputs["price"] == [pytest.approx(price, abs=1e-5)]


def test_sagemakers_forms_pass_the_gateway(stack: RunningStack) -> None:
    headers = {"content-type": "text/csv; header=absent", "accept": "text/csv"}
    with stack.api() as api:
        answer = api.post("/invocations", content=f"{ROW}\n{ROW}\n", headers=headers)
        broken = api.post("/predict/batch", content=",".join(FEATURE_NAMES) + ROW, headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) == 2
    assert broken.status_code == 422


def test_the_command_opens_pages_and_prints_variables(stack: RunningStack) -> None:
    opened = json.loads(stack.housing("open", "docs", "--json").stdout)

    assert opened["url"] == f"{stack.env['HOUSING_API_URL']}/docs"
    assert stack.housing("--version").stdout.startswith("housing ")
