"""Rows and answers of other subjects, each in an interpreter of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_HEAD = "from housing.subject import Column, Subject\nSUBJECT = Subject(name='things', title='T', "
_NUMBERS = (
    "features=(Column(name='a', example=1, minimum=0, maximum=9, usual_maximum=5),"
    " Column(name='b', example=2)), target=Column(name='c', example=3))\n"
)
_KINDS = """features=(
    Column(name='cut', kind='category', categories=('1', 'good'), example=0),
    Column(name='make', kind='category', categories=('x', 'y'), unknown='other', example=0),
    Column(name='isnew', kind='boolean', example=1),
    Column(name='doors', kind='integer', minimum=0, maximum=9, example=4, optional=True),
    Column(name='size', example=2.5, optional=True)),
"""
_MIXED = _KINDS + "target=Column(name='worth', example=3))\n"
_CLASSES = _KINDS + (
    "task='classification', threshold=0.25, target=Column(name='sold', kind='boolean', example=1))"
)
_PROGRAM = """
import json, sys
import hashlib
from datetime import UTC, datetime
from fakes.onnx_models import constant_model
from housing.registry.port import ModelVersion, Tag
from predict.errors import InvalidFieldsError
from predict.messages import Request
from predict.model.loading import ServedModel, check_and_load
from predict.scoring import service
content = constant_model(0.25)
version = ModelVersion(
    name="things", version="7", run_id="r", created_at=datetime.now(UTC),
    tags={Tag.SHA256: hashlib.sha256(content).hexdigest()},
)
served = ServedModel(version, check_and_load(content, version), datetime.now(UTC))
for path, kind, body in json.load(sys.stdin):
    route = service.ROUTES.get(path, service.infer)
    try:
        done = route(Request("POST", path, kind, body.encode()), served, 100)
    except InvalidFieldsError as exc:
        print(json.dumps([dict(error) for error in exc.errors]))
    else:
        print(json.dumps([done.response.body.decode(), done.rows(1)[0]]))
"""
_JSON, _CSV = "application/json", "text/csv"
_NEW = {"cut": "1", "make": "y", "isnew": True}


def _answers(folder: Path, subject: str, *requests: tuple[str, str, Any]) -> list[Any]:
    (folder / "things").mkdir()
    (folder / "things" / "__init__.py").write_text(_HEAD + subject)
    bodies = [
        (path, kind, body if kind == _CSV else json.dumps(body)) for path, kind, body in requests
    ]
    environment = os.environ | {
        "HOUSING_SUBJECT": "things",
        "HOUSING_SUBJECTS_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join(["functions", "layers/shared", "tests"]),
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        env=environment,
        text=True,
        input=json.dumps(bodies),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_numbers_without_place_and_second_unit(tmp_path: Path) -> None:
    (one, logged), (many, _), (table, _), (mlflow, _), [error] = _answers(
        tmp_path,
        _NUMBERS,
        ("/predict", _JSON, {"a": 6, "b": 2}),
        ("/predict/batch", _JSON, {"instances": [{"a": 6, "b": 2}, {"a": 1, "b": 2}]}),
        ("/predict/batch", _CSV, "b,a\n1,2\n"),
        ("/invocations", _JSON, {"instances": [[1, 2], [3, 4]]}),
        ("/predict", _JSON, {"a": 10, "b": 2}),
    )
    warning = "a 6 is outside the range of the training data, -1e+12 to 5"
    row = {"c": 0.25, "interval_90": {"lower": 0.25, "upper": 0.25}, "warnings": [warning]}
    assert json.loads(one) == {**row, "model_name": "things", "model_version": "7", "stale": False}
    assert json.loads(many)["predictions"] == [row, {**row, "warnings": []}]
    assert table == "c,lower,upper\n0.25,0.25,0.25\n"
    outputs = {"prediction": 0.25, "lower": 0.25, "upper": 0.25}
    assert json.loads(mlflow) == {"predictions": [outputs, outputs]}
    assert logged == {"features": {"a": 6, "b": 2}, "prediction": 0.25, "interval": [0.25, 0.25]}
    assert error["field"] == "a"
    assert "less than or equal to 9" in error["message"]


def test_categories_booleans_and_missing_values(tmp_path: Path) -> None:
    forms = {
        "dataframe_split": {"columns": ["cut", "make", "isnew"], "data": [["good", "x", 1]]},
        "dataframe_records": [{**_NEW, "isnew": 0, "doors": None}],
        "inputs": {"cut": ["1"], "make": ["x"], "isnew": [True], "size": [2]},
    }
    tensors = [
        {"name": "cut", "datatype": "BYTES", "shape": [1], "data": ["good"]},
        {"name": "make", "datatype": "BYTES", "shape": [1], "data": ["x"]},
        {"name": "isnew", "datatype": "BOOL", "shape": [1], "data": [True]},
    ]
    (one, logged), (_, table), *others = _answers(
        tmp_path,
        _MIXED,
        ("/predict", _JSON, {**_NEW, "make": "z"}),
        ("/predict/batch", _CSV, "cut,make,isnew,doors,size\n1,x,no,,NA\n"),
        *(("/invocations", _JSON, {name: form}) for name, form in forms.items()),
        ("/v2/models/things/infer", _JSON, {"inputs": tensors}),
    )
    assert json.loads(one)["warnings"] == ["make is not a known category: treated as other"]
    missing = {"doors": None, "size": None}
    assert logged["features"] == {**_NEW, "make": "other", **missing}
    assert table["features"] == {"cut": "1", "make": "x", "isnew": False, **missing}
    features = [logged["features"] for _, logged in others]
    assert features == [
        {"cut": "good", "make": "x", "isnew": True, **missing},
        {**_NEW, "isnew": False, **missing},
        {"cut": "1", "make": "x", "isnew": True, "doors": None, "size": 2},
        {"cut": "good", "make": "x", "isnew": True, **missing},
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cut": "best"}, "unknown category; known are: 1, good"),
        ({"cut": 1}, "Input should be a valid string"),
        ({"isnew": 1}, "Input should be a valid boolean"),
        ({"doors": 2.5}, "got a number with a fractional part"),
        ({"doors": 10}, "less than or equal to 9"),
    ],
)
def test_a_wrong_value_names_its_field(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    [[error]] = _answers(tmp_path, _MIXED, ("/predict", _JSON, {**_NEW, **wrong}))
    assert error["field"] == next(iter(wrong))
    assert message in error["message"]


def test_the_open_inference_protocols_datatypes_are_the_schemas(tmp_path: Path) -> None:
    program = (
        "import json; from types import SimpleNamespace as Any\n"
        "from predict.scoring.open_inference import metadata\n"
        "served = Any(version=Any(name='things', version='7'), predictor=Any(outputs=[]))\n"
        "print(json.dumps(metadata(served)['inputs']))"
    )
    more = (
        "Column(name='rooms', kind='integer', example=4),"
        "Column(name='sunny', kind='boolean', example=1, optional=True)),"
    )
    inputs = _printed(
        tmp_path, _MIXED.replace("optional=True)),", f"optional=True), {more}"), program
    )

    assert {one["name"]: one["datatype"] for one in inputs} == {
        "cut": "BYTES",
        "make": "BYTES",
        "isnew": "BOOL",
        "doors": "FP64",
        "size": "FP64",
        "rooms": "INT64",
        "sunny": "FP64",
    }


def test_a_classification_answers_probability_and_label(tmp_path: Path) -> None:
    (one, logged), (many, _), (table, _), (mlflow, _) = _answers(
        tmp_path,
        _CLASSES,
        ("/predict", _JSON, _NEW),
        ("/predict/batch", _JSON, {"instances": [_NEW, _NEW]}),
        ("/predict/batch", _CSV, "cut,make,isnew\n1,x,true\n"),
        ("/invocations", _JSON, {"dataframe_records": [_NEW]}),
    )
    row = {"probability": 0.25, "sold": True, "warnings": []}
    assert json.loads(one) == {**row, "model_name": "things", "model_version": "7", "stale": False}
    assert json.loads(many)["predictions"] == [row, row]
    assert table == "probability,sold\n0.25,true\n"
    assert json.loads(mlflow) == {"predictions": [{"probability": 0.25}]}
    assert logged["probability"] == 0.25
    assert "interval" not in logged


def _printed(folder: Path, subject: str, program: str) -> Any:
    """Return the JSON that a program prints in the process of a subject."""
    (folder / "things").mkdir()
    (folder / "things" / "__init__.py").write_text(_HEAD + subject)
    environment = os.environ | {
        "HOUSING_SUBJECT": "things",
        "HOUSING_SUBJECTS_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join(["functions", "layers/shared"]),
    }
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, env=environment, text=True
    ).stdout
    return json.loads(printed)


def _schema(folder: Path, subject: str, model: str) -> dict[str, Any]:
    """Return the JSON schema of one of the API's models."""
    program = f"import json; from predict.http.schemas import {model} as model\n"
    program += "print(json.dumps(model.model_json_schema()))"
    schema: dict[str, Any] = _printed(folder, subject, program)
    return schema


def test_the_page_describes_each_kind_of_column(tmp_path: Path) -> None:
    schema = _schema(tmp_path, _MIXED, "Row")

    assert schema["required"] == ["cut", "make", "isnew"]
    assert schema["properties"]["cut"]["enum"] == ["1", "good"]
    assert schema["properties"]["make"]["type"] == "string"
    assert schema["properties"]["isnew"]["type"] == "boolean"
    assert {one["type"] for one in schema["properties"]["doors"]["anyOf"]} == {"integer", "null"}


_OF_ALL = ["model_name", "model_version", "stale"]


@pytest.mark.parametrize(
    ("subject", "fields"),
    [
        (_NUMBERS, ["c", "interval_90", "warnings", *_OF_ALL]),
        (_CLASSES, ["probability", "sold", "warnings", *_OF_ALL]),
    ],
)
def test_the_page_describes_the_answer(tmp_path: Path, subject: str, fields: list[str]) -> None:
    schema = _schema(tmp_path, subject, "Predicted")

    assert list(schema["properties"]) == fields
    assert schema["title"] == "PredictedValue"
