"""``POST /predict/batch``: many rows in, the same prices as one at a time, bad rows by number."""

import csv
import json
from typing import Any

import numpy as np
import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.metrics import names as metric_names
from housing.schema import FEATURE_NAMES, FEATURES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.settings import PredictSettings
from predict.telemetry.telemetry import LOGGED_ROWS_OF_A_REQUEST, Telemetry

Rows = list[dict[str, float]]
CSV_TYPE = "text/csv"


def block_groups(count: int) -> Rows:
    """Make rows all over the allowed ranges, most of them unusual."""
    random = np.random.default_rng(0)
    low = [column.minimum for column in FEATURES]
    high = [column.maximum for column in FEATURES]
    values = random.uniform(low, high, (count, len(FEATURES)))
    return [dict(zip(FEATURE_NAMES, row, strict=True)) for row in values.tolist()]


def as_csv(rows: Rows, names: tuple[str, ...] = FEATURE_NAMES) -> str:
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def test_a_batch_is_answered_as_its_rows_would_be_one_by_one(
    client: AsgiClient, block_group: dict[str, float]
) -> None:
    rows = [block_group, *block_groups(40)]

    answer = client.post_json("/predict/batch", {"instances": rows})

    assert answer.status_code == 200
    body = answer.json()
    of_the_model = {name: body[name] for name in ("model_name", "model_version", "stale")}
    singles = [client.post_json("/predict", row).json() for row in rows]
    assert [row | of_the_model for row in body["predictions"]] == singles
    assert {bool(row["warnings"]) for row in body["predictions"]} == {False, True}
    assert answer.headers["X-Model-Version"] == "7"


@pytest.mark.parametrize("names", [FEATURE_NAMES, FEATURE_NAMES[::-1]], ids=["schema", "turned"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_a_csv_is_answered_with_a_csv_of_the_same_prices(
    client: AsgiClient, names: tuple[str, ...], mark: str
) -> None:
    rows = block_groups(5)

    answer = client.post("/predict/batch", (mark + as_csv(rows, names)).encode(), CSV_TYPE)

    assert answer.headers["Content-Type"].startswith(CSV_TYPE)
    prices = [
        {name: float(value) for name, value in row.items() if value}
        for row in csv.DictReader(answer.text.splitlines())
    ]
    in_json = client.post_json("/predict/batch", {"instances": rows}).json()["predictions"]
    assert prices == [
        {"MedHouseVal": row["MedHouseVal"], "price_usd": row["price_usd"], **row["interval_90"]}
        for row in in_json
    ]


def test_no_rows_are_answered_with_no_prices(client: AsgiClient) -> None:
    in_json = client.post_json("/predict/batch", {"instances": []})
    in_csv = client.post("/predict/batch", as_csv([]), CSV_TYPE)

    assert in_json.json()["predictions"] == []
    assert in_csv.text.splitlines() == [
        "MedHouseVal,lower,upper,price_usd,lower_usd,upper_usd,nearest_training_km"
    ]


@pytest.mark.parametrize("wrong", ["3.5", True, None, float("nan"), 1e308, -1])
def test_a_wrong_value_is_named_with_its_row(
    client: AsgiClient, block_group: dict[str, float], wrong: object
) -> None:
    rows = [block_group] * 3 + [{**block_group, "MedInc": wrong}]

    answer = client.post_json("/predict/batch", {"instances": rows})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["row"]) == ("instances.3.MedInc", 4)


@pytest.mark.parametrize("wrong", ["", "a lot", "nan", "inf", "1e999", "-1"])
def test_a_wrong_cell_of_a_csv_is_named_with_its_row(
    client: AsgiClient, block_group: dict[str, float], wrong: str
) -> None:
    rows: Any = [block_group, {**block_group, "MedInc": wrong}]

    answer = client.post("/predict/batch", as_csv(rows), CSV_TYPE)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["row"]) == ("rows.1.MedInc", 2)


GOOD_CSV = as_csv([{column.name: column.example for column in FEATURES}])
BAD_CSVS = {
    "empty": (422, b"", "MedInc"),
    "unknown column": (422, GOOD_CSV.replace("\n", ",1\n").replace("e,1", "e,x").encode(), "x"),
    "target": (422, GOOD_CSV.replace("\n", ",1\n").replace("e,1", "e,MedHouseVal").encode(), "Med"),
    "column twice": (422, GOOD_CSV.replace("HouseAge", "MedInc").encode(), "MedInc"),
    "short row": (422, (GOOD_CSV + "1,2\n").encode(), "rows.1"),
    "long row": (422, (GOOD_CSV + "1," * 9 + "\n").encode(), "rows.1"),
    "broken utf-8": (400, GOOD_CSV.encode() + b"\xff\xfe", "UTF-8"),
    "huge cell": (400, GOOD_CSV.encode() + b"1" * 200_000, "CSV"),
}


@pytest.mark.parametrize("case", BAD_CSVS)
def test_a_bad_csv_is_a_problem_that_says_what_is_bad(client: AsgiClient, case: str) -> None:
    status, body, said = BAD_CSVS[case]

    answer = client.post("/predict/batch", body, CSV_TYPE)

    assert answer.status_code == status
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"{"),
        (400, b'{"instances": ' + b"[" * 100_000),
        (400, b'{"instances": ["\xff"]}'),
        (422, b"[]"),
        (422, b"{}"),
        (422, b'{"instances": 1}'),
        (422, b'{"instances": [1, []]}'),
        (422, b'{"instances": [], "rows": []}'),
    ],
)
def test_a_bad_body_is_a_problem(client: AsgiClient, status: int, body: bytes) -> None:
    answer = client.post("/predict/batch", body)

    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_hundred_errors_are_listed_and_all_are_counted(client: AsgiClient) -> None:
    answer = client.post_json("/predict/batch", {"instances": [{}] * 50})

    assert len(answer.json()["errors"]) == 100
    assert "400 in all" in answer.json()["detail"]


ALL_WRONG = dict.fromkeys((column.name for column in FEATURES), "3")


@pytest.mark.parametrize(
    ("path", "wrong", "counted"),
    [
        ("/predict/batch", {"MedInc": "3"}, "(10000 in all)"),
        ("/invocations", {"MedInc": "3"}, "(10000 in all)"),
        ("/predict/batch", ALL_WRONG, "(at least 10000 in all)"),
        ("/invocations", ALL_WRONG, "(at least 10000 in all)"),
        ("/predict/batch", dict.fromkeys(map(str, range(40)), 1), "(at least 10000 in all)"),
    ],
)
def test_of_endless_errors_ten_thousand_are_looked_for(
    client: AsgiClient,
    block_group: dict[str, float],
    path: str,
    wrong: dict[str, object],
    counted: str,
) -> None:
    rows = [{**block_group, **wrong}] * 10_000

    answer = client.post_json(path, {"instances": rows})

    assert counted in answer.json()["detail"]
    assert len(answer.json()["errors"]) == 100


@pytest.fixture
def small(
    client: AsgiClient, settings: PredictSettings, models: FakeModelStore, lines: WrittenLines
) -> AsgiClient:
    """Take two rows at most."""
    limited = settings.model_copy(update={"max_batch_rows": 2})
    return AsgiClient(
        create_app(limited, models, Telemetry(lines), OpenAccess(), no_changes), client._loop
    )


@pytest.mark.parametrize("path", ["/predict/batch", "/invocations"])
def test_more_rows_than_the_limit_are_refused_with_the_limit(small: AsgiClient, path: str) -> None:
    rows = block_groups(3)

    for count, status in ((2, 200), (3, 413)):
        in_json = small.post_json(path, {"instances": rows[:count]})
        in_csv = small.post(path, as_csv(rows[:count]), CSV_TYPE)

        assert [in_json.status_code, in_csv.status_code] == [status, status]
    assert "at most 2 rows" in in_json.json()["detail"]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/invocations"])
def test_a_body_over_lambdas_limit_is_refused(client: AsgiClient, path: str) -> None:
    body = b'{"instances": []' + b" " * (6 * 1024 * 1024) + b"}"

    assert client.post(path, body).status_code == 413


def test_an_answer_over_lambdas_limit_is_refused(client: AsgiClient) -> None:
    answer = client.post_json("/predict/batch", {"instances": block_groups(10_000)})

    assert answer.status_code == 413
    assert "fewer rows" in answer.json()["detail"]


def test_rows_are_counted_and_a_sample_of_them_is_logged(
    client: AsgiClient, lines: WrittenLines
) -> None:
    rows = block_groups(12)

    client.post_json("/predict/batch", {"instances": rows})

    assert lines.metrics()[metric_names.ROWS_PREDICTED] == [12]
    assert lines.metrics()[metric_names.PREDICTION_REQUESTS] == [1]
    (line,) = lines.named("predicted")
    assert (line["rows_not_logged"], line["model_version"]) == (2, "7")
    logged = lines.named("prediction")
    assert [row["row"] for row in logged][:: LOGGED_ROWS_OF_A_REQUEST - 1] == [1, 12]
    assert [row["features"] for row in logged] == [rows[row["row"] - 1] for row in logged]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"instances": [], "instances": []}', "instances 2 times"),
        ('{"instances": [{ROW, "MedInc": 1}]}', "MedInc 2 times"),
        ('{"instances": [{ROW}, {ROW, "MedInc": 1}]}', "MedInc 2 times"),
        ('{"instances": [{ROW, "Med\\u0049nc": 1}]}', "MedInc 2 times"),
    ],
)
@pytest.mark.parametrize("path", ["/predict/batch", "/invocations"])
def test_a_name_that_stands_twice_is_refused(
    client: AsgiClient, block_group: dict[str, float], path: str, body: str, said: str
) -> None:
    row = json.dumps(block_group)[1:-1]

    answer = client.post(path, body.replace("ROW", row))

    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_a_colon_in_a_text_is_no_second_name(
    client: AsgiClient, block_group: dict[str, float]
) -> None:
    records = [{**block_group, "note": "12:30: fine"}]

    assert client.post_json("/invocations", {"dataframe_records": records}).status_code == 200


def test_one_row_for_mlflow_is_answered_as_a_row_of_many(
    client: AsgiClient, lines: WrittenLines
) -> None:
    rows = [list(row.values()) for row in block_groups(40)]
    together = client.post_json("/invocations", {"inputs": rows}).text
    lines.all.clear()

    alone = [client.post_json("/invocations", {"inputs": [row]}) for row in rows]

    bodies = [answer.text.removeprefix('{"predictions":[').removesuffix("]}") for answer in alone]
    assert '{"predictions":[' + ",".join(bodies) + "]}" == together
    assert {answer.headers["X-Model-Version"] for answer in alone} == {"7"}
    assert [list(line["features"].values()) for line in lines.all] == rows
    assert {line["message"] for line in lines.all} == {"prediction"}


@pytest.mark.parametrize(
    "cell",
    [True, None, "3", [], {}, -1, 1e400, -(10**400), 10**400, 1e9],
    ids=lambda cell: str(cell)[:9],
)
def test_one_bad_number_of_one_row_is_refused(client: AsgiClient, cell: object) -> None:
    [row] = block_groups(1)
    cells = [cell, *list(row.values())[1:]]
    body = json.dumps({"inputs": [cells]})

    answer = client.post("/invocations", body)

    assert answer.status_code == 400
    if cell != 1e400:  # no JSON at all
        assert answer.json()["errors"][0]["field"] == "inputs.0.MedInc"


def test_whole_numbers_of_one_row_are_numbers(client: AsgiClient) -> None:
    whole = [3, 30, 5, 1, 1000, 3, 37, -120]
    paths = [{"inputs": [cells]} for cells in (whole, [float(cell) for cell in whole])]

    first, second = (client.post_json("/invocations", body) for body in paths)

    assert first.status_code == 200
    assert first.text == second.text


def test_a_model_that_answers_nan_is_a_server_error(
    client: AsgiClient, models: FakeModelStore, served: ServedModel
) -> None:
    predictor = Predictor(linear_model(bias=float("nan")))
    models.served = ServedModel(served.version, predictor, served.loaded_at)

    answer = client.post_json("/predict/batch", {"instances": block_groups(2)})

    assert answer.status_code == 500
