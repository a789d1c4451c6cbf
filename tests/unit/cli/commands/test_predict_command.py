"""``housing predict``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from fakes.command_line import CommandLine
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.tables import housing_table
from housing.registry.port import MODEL_FILE, PRODUCTION
from housing.schema import FEATURE_NAMES, FEATURES
from housing_cli.services import Services

BERKELEY = {column.name: column.example for column in FEATURES}
ANSWER: dict[str, Any] = {
    "MedHouseVal": 4.526,
    "price_usd": 452_600.0,
    "interval_90": {"lower": 4.0, "upper": 5.0, "lower_usd": 400_000, "upper_usd": 500_000},
    "model_name": "california-housing",
    "model_version": "3",
    "stale": False,
    "warnings": [],
}
Answer = Callable[[httpx.Request], httpx.Response]


class Api:
    """An API that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Answer = lambda _: httpx.Response(200, json=ANSWER)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)

    @property
    def rows(self) -> list[Any]:
        return [json.loads(request.content) for request in self.asked]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def predict(api: Api) -> Callable[..., Result]:
    line = CommandLine(Services(api_transport=httpx.MockTransport(api)))
    return lambda *arguments, stdin=None: line("predict", *arguments, stdin=stdin)


def test_the_schemas_example_is_asked_for_with_the_key(
    predict: Callable[..., Result], api: Api
) -> None:
    result = predict()

    assert result.exit_code == 0, result.output
    assert api.rows == [BERKELEY]
    assert str(api.asked[0].url) == "http://api.test/predict"
    assert api.asked[0].headers["x-api-key"] == "key-1"


def test_the_prediction_is_printed_in_dollars_with_interval_and_version(
    predict: Callable[..., Result],
) -> None:
    said = predict().stdout

    assert said.startswith("$452,600 ")
    assert "90 % between $400,000 and $500,000; california-housing version 3)" in said


def test_a_stale_prediction_is_printed_with_its_warnings(
    predict: Callable[..., Result], api: Api
) -> None:
    answer = {**ANSWER, "stale": True, "warnings": ["Latitude lies outside California"]}
    api.answer = lambda _: httpx.Response(200, json=answer)

    said = predict().stdout

    assert "which may be outdated" in said
    assert "note: Latitude lies outside California" in said


@pytest.mark.parametrize("name", FEATURE_NAMES)
def test_each_feature_has_an_option(name: str, predict: Callable[..., Result], api: Api) -> None:
    predict(f"--{name}", "-7.5")

    assert api.rows == [{**BERKELEY, name: -7.5}]


def test_json_is_the_apis_own_answer(predict: Callable[..., Result]) -> None:
    assert json.loads(predict("--json").stdout) == ANSWER


def test_rows_of_a_file_are_asked_one_by_one(
    predict: Callable[..., Result], api: Api, folder: Path
) -> None:
    rows = [BERKELEY, {**BERKELEY, "MedInc": 2.0}]
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")

    result = predict("--file", "rows.json", "--json")

    assert api.rows == rows
    assert json.loads(result.stdout) == [ANSWER, ANSWER]


def test_a_row_can_come_from_stdin(predict: Callable[..., Result], api: Api) -> None:
    result = predict("--file", "-", stdin=json.dumps({"MedInc": 1}))

    assert result.exit_code == 0
    assert api.rows == [{"MedInc": 1}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not JSON", "is not JSON"),
        ("[]", "must be a block group"),
        ("[1]", "must be a block group"),
        ('{"MedInc": NaN}', "not finite"),
        ('{"MedInc": 1e999}', "not finite"),
    ],
)
def test_a_file_of_no_use_is_refused_before_anything_is_asked(
    text: str, said: str, predict: Callable[..., Result], api: Api
) -> None:
    result = predict("--file", "-", stdin=text)

    assert result.exit_code == 1
    assert said in result.stderr
    assert api.asked == []


def test_a_missing_file_is_refused(predict: Callable[..., Result]) -> None:
    assert "cannot read nowhere.json" in predict("--file", "nowhere.json").stderr


def test_file_and_features_together_are_a_usage_error(predict: Callable[..., Result]) -> None:
    assert predict("--file", "-", "--MedInc", "3", stdin="{}").exit_code == 2


@pytest.mark.parametrize("value", ["nan", "inf", "many"])
def test_a_feature_that_is_no_finite_number_is_a_usage_error(
    value: str, predict: Callable[..., Result], api: Api
) -> None:
    assert predict("--MedInc", value).exit_code == 2
    assert api.asked == []


def test_a_problem_is_shown_with_its_fields(predict: Callable[..., Result], api: Api) -> None:
    problem = {
        "title": "Unprocessable Entity",
        "detail": "1 field is wrong",
        "errors": [{"field": "MedInc", "message": "greater than 0, please"}],
    }
    api.answer = lambda _: httpx.Response(422, json=problem)

    result = predict("--json")

    assert result.exit_code == 1
    assert result.stderr == "error: MedInc: greater than 0, please\n"
    assert json.loads(result.stdout)["problem"] == problem


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            {"message": "Input should be greater than or equal to 0", "value": -5},
            "MedInc must be at least 0, not -5",
        ),
        ({"message": "Input should be less than or equal to 42.5"}, "MedInc must be at most 42.5"),
        (
            {"message": "Input should be a valid number, unable to parse string as a number"},
            "MedInc must be a number",
        ),
        ({"message": "Field required"}, "MedInc is missing"),
        (
            {"message": "Extra inputs are not permitted", "value": "x"},
            "MedInc is not a known field",
        ),
        ({"message": "String should have at least 3 characters"}, "MedInc must have at least 3 "),
        (
            {
                "field": "body.version",
                "message": "String should match pattern '^[1-9][0-9]{0,8}$'",
                "value": "abc",
            },
            "version must be a version's number, such as 3, not abc",
        ),
    ],
)
def test_errors_of_the_api_are_said_in_the_users_words(
    predict: Callable[..., Result], api: Api, error: dict[str, Any], line: str
) -> None:
    problem = {"title": "x", "detail": "not valid: x", "errors": [{"field": "MedInc"} | error]}
    api.answer = lambda _: httpx.Response(422, json=problem)

    assert predict().stderr.startswith(f"error: {line}")


def test_a_refusal_of_the_gateway_is_shown(predict: Callable[..., Result], api: Api) -> None:
    api.answer = lambda _: httpx.Response(403, json={"message": "Forbidden"})

    assert predict().stderr == "error: the API answered 403: Forbidden\n"


def test_an_error_that_is_no_json_is_shown_by_its_status(
    predict: Callable[..., Result], api: Api
) -> None:
    api.answer = lambda _: httpx.Response(502, text="<html>")

    assert "the API answered 502" in predict().stderr


@pytest.mark.parametrize("body", ["<html>", "[]", '{"status": "ok"}'])
def test_an_answer_that_is_no_prediction_is_refused(
    body: str, predict: Callable[..., Result], api: Api
) -> None:
    api.answer = lambda _: httpx.Response(200, text=body)

    result = predict()

    assert result.exit_code == 1
    assert "check HOUSING_API_URL" in result.stderr


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("late")])
def test_an_api_that_cannot_be_reached_is_one_line(
    error: httpx.TransportError, predict: Callable[..., Result], api: Api
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    api.answer = fail

    result = predict()

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "is the stack up? make status" in result.stderr


def test_a_whole_file_is_predicted_by_the_version_in_production(tmp_path: Path) -> None:
    registry = FakeModelRegistry("california-housing")
    registry.register({MODEL_FILE: linear_model()})
    registry.set_alias(PRODUCTION, "1")
    source, out = tmp_path / "asked.csv", tmp_path / "prices.csv"
    lines = housing_table(30).to_csv(index=False).splitlines()
    lines[2] = f"abc{lines[2][3:]}"
    source.write_text("\n".join(lines))
    line = CommandLine(Services(registry=registry))

    said = line("predict", str(source), "--out", str(out))
    listed = json.loads(line("predict", str(source), "--out", str(out), "--json").stdout)

    assert said.exit_code == 0, said.output
    assert "29 of 30 rows are predicted by california-housing version 1" in said.stdout
    assert "1 rows are bad and left out:\n  row 2, MedInc 'abc" in said.stdout
    assert listed["rows"] == {"read": 30, "predicted": 29}
    assert listed["problems"][0]["column"] == "MedInc"
    assert len(out.read_text().splitlines()) == 30


def test_a_whole_file_is_predicted_by_a_model_of_ones_own(tmp_path: Path) -> None:
    source, out, model = (tmp_path / name for name in ("asked.csv", "p.parquet", "model.onnx"))
    source.write_text(housing_table(30).to_csv(index=False))
    model.write_bytes(linear_model())

    said = CommandLine(Services())("predict", str(source), "--out", str(out), "--model", str(model))

    assert said.exit_code == 0, said.output
    assert "30 of 30 rows" in said.stdout
    assert out.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("asked.csv",), "a CSV takes --out"),
        (("--out", "p.csv"), "a CSV takes --out"),
        (("asked.csv", "--out", "p.csv", "--MedInc", "3"), "a CSV takes --out"),
        (("asked.csv", "--out", "p.csv", "--version", "1", "--model", "m"), "not both"),
        (("missing.csv", "--out", "p.csv", "--model", "m"), "cannot read missing.csv"),
    ],
)
def test_what_cannot_be_asked_of_a_file_is_said(
    predict: Callable[..., Result], arguments: tuple[str, ...], reason: str
) -> None:
    result = predict(*arguments)

    assert result.exit_code != 0
    assert reason in " ".join(result.output.replace("│", " ").split())
