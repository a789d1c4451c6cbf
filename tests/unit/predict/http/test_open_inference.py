"""The Open Inference Protocol, version 2: health, metadata, inference and its errors."""

from typing import Any

import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from housing.schema import FEATURE_NAMES

MODEL = "/v2/models/california-housing"
VERSION = f"{MODEL}/versions/7"


def tensors(
    *rows: dict[str, float], datatype: str = "FP64", is_flat: bool = False
) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "shape": [len(rows)] if is_flat else [len(rows), 1],
            "datatype": datatype,
            "data": [row[name] for row in rows],
        }
        for name in FEATURE_NAMES
    ]


def features(rows: list[dict[str, float]], *, is_nested: bool) -> list[dict[str, Any]]:
    lists = [[row[name] for name in FEATURE_NAMES] for row in rows]
    data = lists if is_nested else [cell for row in lists for cell in row]
    return [{"name": "features", "shape": [len(rows), 8], "datatype": "FP32", "data": data}]


def test_live_ready_and_metadata_are_as_the_protocol_has_them(client: AsgiClient) -> None:
    answers = [
        client.get(f"/v2{path}").json()
        for path in ("", "/health/live", "/health/ready", "/models/california-housing/ready")
    ]

    assert answers[0] == {"name": "housing", "version": "1.0.0", "extensions": []}
    assert answers[1:] == [
        {"live": True},
        {"ready": True},
        {"name": "california-housing", "ready": True},
    ]
    for path in (MODEL, VERSION):
        metadata = client.get(path).json()
        assert (metadata["name"], metadata["versions"]) == ("california-housing", ["7"])
        assert [one["name"] for one in metadata["inputs"]] == list(FEATURE_NAMES)
        assert [one["name"] for one in metadata["outputs"]] == ["price", "lower", "upper"]


def test_without_a_model_the_server_is_live_and_not_ready(
    client: AsgiClient, models: FakeModelStore
) -> None:
    models.served = None

    ready = client.get("/v2/health/ready")

    assert client.get("/v2/health/live").status_code == 200
    assert (ready.status_code, ready.json()["error"]) == (503, "no model has been promoted yet")
    assert client.get(f"{MODEL}/ready").status_code == 503


@pytest.mark.parametrize("path", [MODEL, VERSION])
@pytest.mark.parametrize("form", ["columns", "columns [n]", "features", "features nested"])
def test_rows_are_priced_as_on_the_other_routes(
    client: AsgiClient, block_group: dict[str, float], path: str, form: str
) -> None:
    rows = [block_group, block_group | {"MedInc": 3}]
    inputs = {
        "columns": tensors(*rows)[::-1],
        "columns [n]": tensors(*rows, is_flat=True),
        "features": features(rows, is_nested=False),
        "features nested": features(rows, is_nested=True),
    }[form]

    answer = client.post_json(f"{path}/infer", {"id": "42", "inputs": inputs})

    wanted = client.post_json("/invocations", {"instances": rows}).json()["predictions"]
    document = answer.json()
    assert answer.status_code == 200, document
    named = (document["id"], document["model_name"], document["model_version"])
    assert named == ("42", "california-housing", "7")
    for output in document["outputs"]:
        assert output["data"] == [row[output["name"]] for row in wanted]
        assert output["shape"] == ([2] if form == "columns [n]" else [2, 1])
        assert output["datatype"] == "FP32"
    assert answer.headers["x-model-version"] == "7"


def test_only_the_outputs_that_are_asked_for_are_answered(
    client: AsgiClient, block_group: dict[str, float]
) -> None:
    outputs = [{"name": "upper", "parameters": {"binary_data": False}}]

    answer = client.post_json(
        f"{MODEL}/infer", {"inputs": tensors(block_group), "outputs": outputs}
    )

    assert [output["name"] for output in answer.json()["outputs"]] == ["upper"]


@pytest.mark.parametrize("datatype", ["INT64", "INT16", "FP32", "FP64"])
def test_every_datatype_of_numbers_is_read(
    client: AsgiClient, block_group: dict[str, float], datatype: str
) -> None:
    row: dict[str, float] = {name: round(value) or 1 for name, value in block_group.items()}

    body = {"inputs": tensors(row, datatype=datatype)}

    assert client.post_json(f"{MODEL}/infer", body).status_code == 200


def test_other_columns_are_ignored(client: AsgiClient, block_group: dict[str, float]) -> None:
    index = {"name": "index", "shape": [1, 1], "datatype": "INT64", "data": [0]}

    body = {"inputs": [index, *tensors(block_group)]}

    assert client.post_json(f"{MODEL}/infer", body).status_code == 200


def broken(inputs: list[dict[str, Any]], place: int, **parts: Any) -> dict[str, Any]:
    return {"inputs": [*inputs[:place], inputs[place] | parts, *inputs[place + 1 :]]}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "inputs, a list of tensors"),
        ([], 400, "inputs, a list of tensors"),
        ({"inputs": []}, 400, "inputs, a list of tensors"),
        ({"inputs": [1]}, 422, "inputs.0"),
        ({"inputs": [{"name": "x", "datatype": "BYTES"}]}, 422, "inputs.0.datatype"),
        ({"inputs": [{"name": "x", "datatype": "FP64"}]}, 422, "inputs.0.data"),
        ("missing", 422, "MedInc"),
        ("twice", 422, "inputs.8"),
        ("shape", 422, "inputs.3.shape"),
        ("negative shape", 422, "inputs.3.shape"),
        ("length", 400, "of the same length"),
        ("range", 422, "inputs.0.MedInc"),
        ("text", 422, "inputs.0.MedInc"),
        ("null", 422, "inputs.0.MedInc"),
        ("boolean", 422, "inputs.0.MedInc"),
        ("output", 422, "outputs.cost"),
        ("fraction", 400, "inputs.0.data: value 0 is 8.5; INT64 has whole numbers from -9223"),
        ("too large", 400, "inputs.0.data: value 0 is 300; UINT8 has whole numbers from 0 to 255"),
        ("negative", 400, "inputs.0.data: value 0 is -1; UINT8"),
        ("rows of other lengths", 400, "inputs.0.data: row 0 is 2 values; by the shape"),
        ("rows beside values", 400, "inputs.0.data: row 1 is no list; by the shape"),
        ("binary size", 400, "inputs.0 has binary_data_size: tensors in binary form"),
        ("datatype of a list", 422, "inputs.0.datatype"),
        ("numeric id", 400, "the id of a request has to be a text"),
    ],
)
def test_what_is_no_request_is_refused_with_its_place(
    client: AsgiClient, block_group: dict[str, float], body: Any, status: int, says: str
) -> None:
    good = tensors(block_group)
    made = {
        "missing": {"inputs": good[1:]},
        "twice": {"inputs": [*good, good[0]]},
        "shape": broken(good, 3, shape=[2, 1]),
        "negative shape": broken(good, 3, shape=[-1, -1]),
        "length": broken(good, 3, shape=[2, 1], data=[1, 1]),
        "range": broken(good, 0, data=[-1]),
        "text": broken(good, 0, data=["8"]),
        "null": broken(good, 0, data=[None]),
        "boolean": broken(good, 0, data=[True]),
        "output": {"inputs": good, "outputs": [{"name": "cost"}]},
        "fraction": broken(good, 0, datatype="INT64", data=[8.5]),
        "too large": broken(good, 0, datatype="UINT8", data=[300]),
        "negative": broken(good, 0, datatype="UINT8", data=[-1]),
        "rows of other lengths": broken(good, 0, shape=[2, 1], data=[[1, 2], []]),
        "rows beside values": broken(good, 0, shape=[2, 1], data=[[1], 2]),
        "binary size": broken(good, 0, parameters={"binary_data_size": 8}),
        "datatype of a list": broken(good, 0, datatype=["FP64"]),
        "numeric id": {"id": 42, "inputs": good},
    }

    answer = client.post_json(f"{MODEL}/infer", made.get(body) if isinstance(body, str) else body)

    problem = answer.json()
    assert answer.status_code == status, problem
    assert says in problem["error"]
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize(
    "path", ["/v2/models/other", f"{MODEL}/versions/6", f"{MODEL}/x", "/v2/models/"]
)
def test_another_model_or_version_is_not_there(
    client: AsgiClient, block_group: dict[str, float], path: str
) -> None:
    got = client.get(path)
    posted = client.post_json(f"{path}/infer", {"inputs": tensors(block_group)})

    assert (got.status_code, posted.status_code) == (404, 404)
    assert "california-housing, version 7" in posted.json()["error"]


def test_tensors_in_binary_form_are_named(client: AsgiClient) -> None:
    binary = client.post(f"{MODEL}/infer", b'{"inputs": []}\x00\x00\x00', "")
    typed = client.post(f"{MODEL}/infer", b"\x00\x00", "application/octet-stream")

    assert (binary.status_code, typed.status_code) == (400, 415)
    assert "binary" in binary.json()["error"]


def test_too_many_rows_are_refused(client: AsgiClient, block_group: dict[str, float]) -> None:
    answer = client.post_json(f"{MODEL}/infer", {"inputs": tensors(*[block_group] * 10_001)})

    assert answer.status_code == 413
