"""``POST /invocations``: the habits of SageMaker's clients, and errors as MLflow's have them."""

import json
from typing import Any

import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from housing.schema import FEATURE_NAMES

ROWS = "8.3252,41,6.98,1.02,322,2.56,37.88,-122.23\n3.5,30,5.1,1.0,900,2.9,34.05,-118.24\n"
HEADER = ",".join(FEATURE_NAMES) + "\n"
ABSENT = "text/csv; header=absent"


def predictions(client: AsgiClient) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = client.post("/invocations", HEADER + ROWS, "text/csv").json()[
        "predictions"
    ]
    return rows


def asked(client: AsgiClient, accept: str, body: str = HEADER + ROWS) -> Any:
    headers = {"content-type": "text/csv", "accept": accept}
    return client.request("POST", "/invocations", content=body, headers=headers)


@pytest.mark.parametrize(
    "accept", ["text/csv", "TEXT/CSV;q=0.9, */*", "text/csv, application/json"]
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_csv_that_is_asked_for_has_no_header(client: AsgiClient, accept: str, count: int) -> None:
    body = HEADER + "".join(ROWS.splitlines(keepends=True)[:count])

    answer = asked(client, accept, body)

    wanted = [list(row.values()) for row in predictions(client)[:count]]
    assert answer.headers["content-type"].startswith("text/csv")
    assert [list(map(float, line.split(","))) for line in answer.text.splitlines()] == wanted


@pytest.mark.parametrize("count", [1, 2])
def test_json_lines_that_are_asked_for_are_an_object_a_row(client: AsgiClient, count: int) -> None:
    body = HEADER + "".join(ROWS.splitlines(keepends=True)[:count])

    answer = asked(client, "application/jsonlines", body)

    assert answer.headers["content-type"] == "application/jsonlines"
    assert [json.loads(line) for line in answer.text.splitlines()] == predictions(client)[:count]


@pytest.mark.parametrize(
    "accept",
    [
        *("application/json", "*/*", "", "text/html, */*;q=0.1", "application/x-recordio"),
        *("text/csv;q=0, application/json", "text/csv; q=0.000", "text/csv;Q = 0"),
    ],
)
def test_every_other_wish_is_answered_in_json(client: AsgiClient, accept: str) -> None:
    assert asked(client, accept).json() == {"predictions": predictions(client)}


@pytest.mark.parametrize("path", ["/invocations", "/predict/batch"])
@pytest.mark.parametrize("header", ["bogus", "true", '""'])
def test_a_header_that_is_neither_there_nor_absent_is_refused(
    client: AsgiClient, path: str, header: str
) -> None:
    answer = client.post(path, HEADER + ROWS, f"text/csv; header={header}")

    assert answer.status_code == 415
    assert "present or absent" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/invocations", "/predict/batch"])
def test_empty_rows_of_a_spreadsheet_are_no_rows(client: AsgiClient, path: str) -> None:
    empty = "," * (len(FEATURE_NAMES) - 1) + "\n"
    first, second = ROWS.splitlines(keepends=True)

    answer = client.post(path, HEADER + first + empty + second + empty + " ,\n", "text/csv")

    assert answer.text == client.post(path, HEADER + ROWS, "text/csv").text


@pytest.mark.parametrize("content_type", [ABSENT, "text/csv;charset=utf-8;header=ABSENT"])
def test_a_csv_without_a_header_is_read_in_schema_order(
    client: AsgiClient, content_type: str
) -> None:
    answer = client.post("/invocations", ROWS, content_type)

    assert answer.json() == {"predictions": predictions(client)}
    batch = client.post("/predict/batch", ROWS, content_type)
    assert batch.text == client.post("/predict/batch", HEADER + ROWS, "text/csv").text


@pytest.mark.parametrize("body", [HEADER + ROWS, "1,2,3\n", ROWS.replace("\n", ",4.5\n")])
def test_other_columns_without_a_header_are_refused(client: AsgiClient, body: str) -> None:
    assert client.post("/invocations", body, ABSENT).status_code == 400
    assert client.post("/predict/batch", body, ABSENT).status_code == 422


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ('{"dataframe_records": [{}]}', "application/json", 400),
        ("", "text/csv", 400),
        ("{}", "application/xml", 415),
    ],
)
def test_a_problem_has_the_fields_of_mlflows_errors_as_well(
    client: AsgiClient, body: str, content_type: str, status: int
) -> None:
    problem = client.post("/invocations", body, content_type).json()

    assert (problem["status"], problem["error_code"]) == (status, "BAD_REQUEST")
    assert problem["message"] == problem["detail"]


def test_an_outage_has_its_own_code(client: AsgiClient, models: FakeModelStore) -> None:
    models.served = None

    problem = client.post("/invocations", HEADER + ROWS, "text/csv").json()

    assert (problem["status"], problem["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


def test_other_routes_have_problems_alone(client: AsgiClient) -> None:
    assert not {"error_code", "message", "error"} & client.post("/predict", "{").json().keys()
