"""Bodies of endless names are refused before a parser makes a string of each."""

import json
import tracemalloc
from typing import Any

import pytest

from fakes.asgi_client import AsgiClient
from housing.schema import FEATURE_NAMES, FEATURES

ROW = {column.name: column.example for column in FEATURES}
UNKNOWN = {f"n{number:06}": 1 for number in range(110_000)}
KNOWN_AND_UNKNOWN = {**ROW, **UNKNOWN}
BATCH = "/predict/batch"
FORMS = "/invocations"
WIDE = [*FEATURE_NAMES, *UNKNOWN]
MANY: dict[str, tuple[str, Any, str]] = {
    "batch, a row": (BATCH, {"instances": [UNKNOWN]}, "instances.0"),
    "batch, the second row": (BATCH, {"instances": [ROW, KNOWN_AND_UNKNOWN]}, "instances.1"),
    "batch, around the rows": (BATCH, {"instances": [ROW], **UNKNOWN}, "body"),
    "batch, no rows": (BATCH, UNKNOWN, "body"),
    "batch, within a row": (BATCH, {"instances": [{"MedInc": UNKNOWN}]}, "instances.0"),
    "records": (FORMS, {"dataframe_records": [ROW, UNKNOWN]}, "dataframe_records.1"),
    "records, good but for them": (
        FORMS,
        {"dataframe_records": [KNOWN_AND_UNKNOWN]},
        "dataframe_records.0",
    ),
    "split, its columns": (
        FORMS,
        {"dataframe_split": {"columns": WIDE, "data": [[1] * len(WIDE)]}},
        "dataframe_split.columns",
    ),
    "split, around them": (
        FORMS,
        {"dataframe_split": {"columns": FEATURE_NAMES, "data": [], **UNKNOWN}},
        "dataframe_split",
    ),
    "instances": (FORMS, {"instances": [UNKNOWN]}, "instances.0"),
    "instances, columns": (FORMS, {"instances": KNOWN_AND_UNKNOWN}, "instances"),
    "inputs": (FORMS, {"inputs": [UNKNOWN]}, "inputs.0"),
    "inputs, columns": (FORMS, {"inputs": UNKNOWN}, "inputs"),
    "params": (FORMS, {"inputs": [ROW], "params": UNKNOWN}, "body"),
}
STATUS = {BATCH: 422, FORMS: 400}


@pytest.mark.parametrize("case", MANY)
def test_endless_names_are_refused_with_their_place(client: AsgiClient, case: str) -> None:
    path, body, field = MANY[case]

    answer = client.post_json(path, body)

    assert answer.status_code == STATUS[path]
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error.get("row", 1) == (2 if field.endswith(".1") else 1)
    assert "names" in error["message"]


@pytest.mark.parametrize("case", [case for case in MANY if case != "split, its columns"])
def test_no_string_is_made_of_endless_names(client: AsgiClient, case: str) -> None:
    path, body, _ = MANY[case]
    content = json.dumps(body).encode()
    client.post(path, content)  # what is compiled once

    tracemalloc.start()
    client.post(path, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3 * len(content)  # two copies; 110,000 strings in a dictionary take seven times


@pytest.mark.parametrize("path", [BATCH, FORMS])
def test_a_csv_of_endless_columns_is_refused(client: AsgiClient, path: str) -> None:
    answer = client.post(path, ",".join(WIDE), "text/csv")

    assert answer.status_code == STATUS[path]
    (error,) = answer.json()["errors"]
    assert error == {"field": "header", "message": "110,008 columns; at most 1,000 are read"}


def test_a_table_of_many_columns_is_read(client: AsgiClient) -> None:
    some = dict(list(UNKNOWN.items())[:992])
    rows = [{**ROW, **some}] * 50
    split = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    in_csv = "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])

    answers = [
        client.post_json(FORMS, {"dataframe_records": rows}),
        client.post_json(FORMS, {"dataframe_split": split}),
        client.post_json(FORMS, {"inputs": {name: [1] * 50 for name in rows[0]} | COLUMNS}),
        client.post(FORMS, in_csv, "text/csv"),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1


COLUMNS = {name: [value] * 50 for name, value in ROW.items()}


def test_colons_in_the_texts_of_many_rows_are_no_names(client: AsgiClient) -> None:
    rows = [{**ROW, "note": f"at 12:30:00{20 * ':'}"}] * 4_000
    split = {
        "columns": [*FEATURE_NAMES, "note"],
        "data": [[*ROW.values(), f"12:30:00{30 * ':'}"]] * 4_000,
    }

    answers = [
        client.post_json(FORMS, {"dataframe_records": rows}),
        client.post_json(FORMS, {"dataframe_split": split}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("path", [BATCH, FORMS])
def test_invalid_json_is_named_as_that_with_any_number_of_names(
    client: AsgiClient, path: str
) -> None:
    cut = json.dumps({"instances": [KNOWN_AND_UNKNOWN]})[:-1]

    answer = client.post(path, cut)

    assert answer.status_code == 400
    assert "EOF" in answer.json()["detail"]


def test_endless_names_with_nan_are_refused_as_well(client: AsgiClient) -> None:
    nan = float("nan")
    endless = {"instances": [ROW, {**UNKNOWN, "MedInc": nan}]}
    around = {"instances": [ROW, {**ROW, "MedInc": nan}], **UNKNOWN}

    (row,), (body,) = (client.post_json(BATCH, one).json()["errors"] for one in (endless, around))

    assert (row["field"], body["field"]) == ("instances.1", "body")
