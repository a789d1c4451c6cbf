"""``POST /invocations`` beside MLflow's own scoring server, over the same graph."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from housing.schema import FEATURE_NAMES, FEATURES
from servers.scoring_servers import scoring_servers

JSON, CSV = "application/json", "text/csv"
ROW = {column.name: float(column.example) for column in FEATURES}
ROWS = [ROW, {**ROW, "MedInc": 3}]
LISTS: list[list[float]] = [list(row.values()) for row in ROWS]
COLUMNS = {name: [row[name] for row in ROWS] for name in FEATURE_NAMES}
TURNED = FEATURE_NAMES[::-1]
FRAME = pd.DataFrame(ROWS)

ANSWERED: dict[str, Any] = {
    "split": {"dataframe_split": {"columns": FEATURE_NAMES, "data": LISTS}},
    "split of pandas": {"dataframe_split": FRAME.to_dict(orient="split")},
    "split turned": {"dataframe_split": {"columns": TURNED, "data": [row[::-1] for row in LISTS]}},
    "split, extra column": {
        "dataframe_split": {"columns": [*FEATURE_NAMES, "x"], "data": [[*row, 1] for row in LISTS]}
    },
    "split, no rows": {"dataframe_split": {"columns": FEATURE_NAMES, "data": []}},
    "records": {"dataframe_records": ROWS},
    "records, extra column": {"dataframe_records": [{**row, "x": 1} for row in ROWS]},
    "instances of objects": {"instances": ROWS},
    "instances of columns": {"instances": COLUMNS},
    "instances of one object": {"instances": ROW},
    "inputs of columns": {"inputs": COLUMNS},
    "inputs of one object": {"inputs": ROW},
    "inputs of objects": {"inputs": ROWS},
}
REFUSED: dict[str, Any] = {
    "nothing": {},
    "a list": ROWS,
    "two forms": {"inputs": ROWS, "instances": ROWS},
    "split without columns": {"dataframe_split": {"data": LISTS}},
    "split that is a list": {"dataframe_split": LISTS},
    "split, short row": {"dataframe_split": {"columns": FEATURE_NAMES, "data": [[1]]}},
    "split, column missing": {"dataframe_split": {"columns": ["MedInc"], "data": [[1]]}},
    "no records": {"dataframe_records": []},
    "no instances": {"instances": []},
    "text for a number": {"dataframe_records": [{**ROW, "MedInc": "a lot"}]},
    "column missing": {"inputs": {"MedInc": [1]}},
    "columns of two lengths": {"inputs": {**COLUMNS, "MedInc": [1]}},
    "seven values": {"instances": [LISTS[0][:7]]},
    "a flat list": {"instances": LISTS[0]},
}
CSV_BODY = FRAME.to_csv(index=False)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with scoring_servers(tmp_path_factory.mktemp("scoring")) as both:
        yield both


@pytest.mark.parametrize("case", ANSWERED)
def test_every_form_is_answered_as_mlflow_answers_it(servers: SimpleNamespace, case: str) -> None:
    body = json.dumps(ANSWERED[case])

    ours, theirs = (server.post("/invocations", body) for server in (servers.ours, servers.mlflow))

    assert (theirs.status_code, ours.status_code) == (200, 200)
    assert ours.json() == theirs.json()
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]


@pytest.mark.parametrize(
    "frame", [FRAME, FRAME[list(TURNED)], FRAME.assign(x=1), FRAME[:0]], ids=str
)
def test_a_csv_is_answered_as_mlflow_answers_it(
    servers: SimpleNamespace, frame: pd.DataFrame
) -> None:
    body = frame.to_csv(index=False)

    ours, theirs = (
        server.post("/invocations", body, CSV) for server in (servers.ours, servers.mlflow)
    )

    assert (theirs.status_code, ours.status_code) == (200, 200)
    assert ours.json() == theirs.json()


@pytest.mark.parametrize("case", REFUSED)
def test_bodies_that_mlflow_refuses_get_the_same_status_and_a_problem(
    servers: SimpleNamespace, case: str
) -> None:
    body = json.dumps(REFUSED[case])

    ours, theirs = (server.post("/invocations", body) for server in (servers.ours, servers.mlflow))

    assert (theirs.status_code, ours.status_code) == (400, 400)
    assert ours.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", JSON, 400),
        (CSV_BODY.replace("MedInc", "Income"), CSV, 400),
        ("", CSV, 400),
        ("{}", "application/xml", 415),
        ("{}", "application/json; charset=latin-1", 415),
    ],
)
def test_bad_bodies_get_mlflows_status(
    servers: SimpleNamespace, body: str, content_type: str, status: int
) -> None:
    answers = [
        server.post("/invocations", body, content_type) for server in (servers.ours, servers.mlflow)
    ]

    assert [answer.status_code for answer in answers] == [status, status]


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_lists_without_names_which_mlflow_refuses_are_read_in_schema_order(
    servers: SimpleNamespace, form: str
) -> None:
    ours, theirs = (
        server.post_json("/invocations", {form: LISTS}) for server in (servers.ours, servers.mlflow)
    )

    assert theirs.status_code == 400
    assert ours.json() == servers.mlflow.post_json("/invocations", {"instances": ROWS}).json()


@pytest.mark.parametrize("wrong", [None, True, "3.5", -1, 10**400])
def test_values_that_mlflow_would_let_through_are_refused(
    servers: SimpleNamespace, wrong: object
) -> None:
    rows = [ROW, {**ROW, "MedInc": wrong}]

    answer = servers.ours.post_json("/invocations", {"dataframe_records": rows})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["dataframe_records.1.MedInc"]


def test_the_version_is_that_of_a_release_of_mlflow_with_this_protocol(
    servers: SimpleNamespace,
) -> None:
    ours, theirs = (server.get("/version") for server in (servers.ours, servers.mlflow))

    majors = [int(answer.text.partition(".")[0]) for answer in (ours, theirs)]
    assert 2 <= majors[0] <= majors[1]
