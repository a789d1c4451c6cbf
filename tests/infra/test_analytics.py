"""Predictions for Athena: what the log's lines become, and whether the query finds their prices.

Firehose and Athena run nowhere but in AWS. Here their parts are played as their references have it:
the lines are the service's own, the columns and their keys are the template's, the data set's files
are the job's own, and the query runs in DuckDB, which reads the same SQL.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.onnx_models import linear_model
from fakes.written_lines import WrittenLines
from housing.registry.port import ModelVersion
from housing.s3.layout import DATASET
from housing.schema import CANONICAL_HEADER, FEATURE_NAMES
from housing.subject import Column, Kind, Subject, Task
from housing_cli.predictions import log
from housing_deploy.plan import plan
from housing_deploy.stage import read_stage
from housing_ops.analytics import with_tables
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra.reading import TEMPLATE
from predict.messages import Request
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.scoring.service import predict
from predict.telemetry.telemetry import PREDICTION, Telemetry
from retrain.training.dataset.dataset import write_part
from retrain.training.dataset.rows import distinct
from subjects.california import SUBJECT as CALIFORNIA
from subjects.california.sample import generate

DUCKDB = CHECKOUT / ".venvs/athena/bin/python"
PROGRAM = Path(__file__).with_name("run_athena_query.py")
ROWS = 40
TYPES = {"string": pa.string(), "double": pa.float64(), "boolean": pa.bool_()}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    declared: dict[str, Any] = load(TEMPLATE)["Resources"]
    return declared


def arrow(kind: str) -> pa.DataType:
    """Return a Glue type as Arrow's."""
    if kind.startswith("array<"):
        return pa.list_(arrow(kind[6:-1]))
    if kind.startswith("map<"):
        return pa.map_(*(arrow(of) for of in kind[4:-1].split(",")))
    if kind.startswith("struct<"):
        fields = (field.split(":") for field in kind[7:-1].split(","))
        return pa.struct([(name, arrow(of)) for name, of in fields])
    return TYPES[kind]


def columns(table: dict[str, Any]) -> dict[str, str]:
    described = table["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
    return {column["Name"]: column["Type"] for column in described}


def lowered(value: Any) -> Any:
    """Write keys small, as Firehose's JSON reader does."""
    if isinstance(value, dict):
        return {name.lower(): lowered(item) for name, item in value.items()}
    return value


def converted(lines: Iterable[dict[str, Any]], resources: dict[str, Any]) -> pa.Table:
    """Convert lines as the stream is told to."""
    stream = resources["PredictionStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
    reader = stream["DataFormatConversionConfiguration"]["InputFormatConfiguration"]
    keys = reader["Deserializer"]["OpenXJsonSerDe"]["ColumnToJsonKeyMappings"]
    schema = pa.schema([(n, arrow(t)) for n, t in columns(resources["PredictionTable"]).items()])
    rows = [lowered(line) for line in lines]
    if pa.types.is_map(schema.field("features").type):
        rows = [row | {"features": texts_of(row["features"])} for row in rows]
    return pa.Table.from_pylist(
        [{name: row.get(keys.get(name, name)) for name in schema.names} for row in rows],
        schema=schema,
    )


def texts_of(fields: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Write a map's values as their JSON is written."""
    return [
        (name, value if isinstance(value, str | None) else json.dumps(value))
        for name, value in fields.items()
    ]


def served(version: str) -> ServedModel:
    now = datetime.now(UTC)
    return ServedModel(
        ModelVersion("california-housing", version, "run", now, {}),
        Predictor(linear_model()),
        loaded_at=now,
    )


@pytest.fixture(scope="module")
def rows() -> np.ndarray[Any, np.dtype[np.float64]]:
    return generate(rows=ROWS, seed=3)[list(CANONICAL_HEADER)].to_numpy(dtype=np.float64)


@pytest.fixture(scope="module")
def lines(rows: np.ndarray[Any, np.dtype[np.float64]]) -> list[dict[str, Any]]:
    """Predict the rows' prices, one by one, with two versions; keep what is logged of it."""
    written = WrittenLines()
    telemetry = Telemetry(written, logged_per_second=1e6)
    for version in ("1", "2"):
        model = served(version)
        for row in rows:
            body = json.dumps(dict(zip(FEATURE_NAMES, row.tolist(), strict=False))).encode()
            call = Request("POST", "/predict", "application/json", body, request_id="r")
            done = predict(call, model, 1)
            telemetry.log_prediction(call, model, 1.0, done.total, done.rows)
        telemetry.log_model(model)  # a line that is no prediction
    return [line for line in written.all if line["message"] == PREDICTION]


def test_the_subscription_takes_the_lines_that_the_command_line_takes(
    resources: dict[str, Any],
) -> None:
    pattern = resources["PredictionSubscription"]["Properties"]["FilterPattern"]

    assert pattern == log._PATTERN
    assert f'"{PREDICTION}"' in pattern


def test_a_stream_that_opens_records_takes_their_messages_out(resources: dict[str, Any]) -> None:
    stream = resources["PredictionStream"]["Properties"]["ExtendedS3DestinationConfiguration"]

    processors = [
        processor["Type"] for processor in stream["ProcessingConfiguration"]["Processors"]
    ]

    assert processors == ["Decompression", "CloudWatchLogProcessing"]
    assert stream["CompressionFormat"] == "UNCOMPRESSED"  # Firehose refuses another with Parquet
    assert stream["BufferingHints"]["SizeInMBs"] >= 64  # the least with Parquet


def test_every_column_is_in_every_line(
    lines: list[dict[str, Any]], resources: dict[str, Any]
) -> None:
    table = converted(lines, resources)

    assert len(table) == 2 * ROWS
    nulls = {name for name in table.column_names if table[name].null_count}
    assert nulls <= {"nearest_training_km"}  # a model may not say
    features = columns(resources["PredictionTable"])["features"]
    assert [name.lower() for name in FEATURE_NAMES] == [field.name for field in arrow(features)]


def test_the_actual_prices_are_the_data_sets_columns(resources: dict[str, Any]) -> None:
    table = resources["ActualTable"]

    assert list(columns(table)) == [name.lower() for name in CANONICAL_HEADER]
    location = table["Properties"]["TableInput"]["StorageDescriptor"]["Location"]["Fn::Sub"]
    assert location.endswith(f"/{DATASET}")


def test_partitions_are_where_the_stream_writes(resources: dict[str, Any]) -> None:
    stream = resources["PredictionStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
    table = resources["PredictionTable"]["Properties"]["TableInput"]
    template = table["Parameters"]["storage.location.template"]["Fn::Sub"]

    [key] = table["PartitionKeys"]
    written = stream["Prefix"].replace("!{timestamp:yyyy-MM-dd}", "${!day}")
    assert template.endswith(f"/{written}")
    assert table["Parameters"][f"projection.{key['Name']}.format"] == "yyyy-MM-dd"


@pytest.mark.skipif(not DUCKDB.exists(), reason="DuckDB is not here: make .venvs/athena/.ready")
def test_the_query_joins_predictions_to_the_prices_that_came_back(
    tmp_path: Path,
    resources: dict[str, Any],
    rows: np.ndarray[Any, np.dtype[np.float64]],
    lines: list[dict[str, Any]],
) -> None:
    today = tmp_path / f"predictions/day={datetime.now(UTC):%Y-%m-%d}"
    long_ago = tmp_path / "predictions/day=2020-01-01"
    for folder in (today, long_ago):
        folder.mkdir(parents=True)
        pq.write_table(converted(lines, resources), folder / "part.parquet")
    came_back = rows[: ROWS // 2]
    (tmp_path / "dataset").mkdir()
    write_part(tmp_path / "dataset/one.parquet", [distinct(came_back)[0]])
    write_part(tmp_path / "dataset/two.parquet", [distinct(came_back[:5])[0]])  # known ones again
    query = resources["PredictionsBesideActuals"]["Properties"]["QueryString"]

    answer_rows = run(
        query,
        predictions=f"{tmp_path}/predictions/*/*.parquet",
        actuals=f"{tmp_path}/dataset/*.parquet",
    )

    errors = [line["price"] - row[-1] for line, row in zip(lines[:ROWS], rows, strict=True)][
        : ROWS // 2
    ]
    within = [
        line["interval"][0] <= row[-1] <= line["interval"][1]
        for line, row in zip(lines[: ROWS // 2], came_back, strict=True)
    ]
    assert [row["model_version"] for row in answer_rows] == ["1", "2"]
    for row in answer_rows:
        assert row["predictions"] == ROWS // 2
        assert row["bias"] == pytest.approx(np.mean(errors), abs=1e-6)
        assert row["mae"] == pytest.approx(np.mean(np.abs(errors)), abs=1e-6)
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-6)
        assert float(row["coverage"]) == pytest.approx(np.mean(within))


def test_the_template_has_the_tables_of_the_built_in_table() -> None:
    template = load(TEMPLATE)

    assert with_tables(template, CALIFORNIA) == template


def test_a_deployment_of_another_table_writes_its_columns() -> None:
    stage = read_stage(CHECKOUT / "samconfig.toml", "dev", "Subject=default")
    here = SimpleNamespace(meta=SimpleNamespace(region_name="eu-west-1"))
    clients: Any = SimpleNamespace(account="1", endpoint_url=None, s3=here)
    before: Any = SimpleNamespace(parameters={})

    made = plan(stage, clients, before, template=TEMPLATE.read_text(), bucket="packages")

    resources = json.loads(made.template)["Resources"]
    assert made.parameters["Subject"] == "default"
    assert list(columns(resources["ActualTable"])) == ["student", "balance", "income", "default"]
    of_class = columns(resources["PredictionTable"])
    assert of_class["features"] == "struct<student:boolean,balance:double,income:double>"
    assert "probability" in of_class


STONES = (
    Column(name="Carat", example=1),
    Column(name="cut", kind="category", categories=("it's", "good"), unknown="other", example=0),
    Column(name="clear", kind="category", categories=("a", "b"), example=0, optional=True),
    Column(name="count", kind="integer", example=1, optional=True),
    Column(name="is_new", kind="boolean", example=1),
    Column(name="is_old", kind="boolean", example=1, optional=True),
)
ODD = tuple(replace(c, name=f"{c.name} (größe)") for c in STONES)


@pytest.mark.skipif(not DUCKDB.exists(), reason="DuckDB is not here: make .venvs/athena/.ready")
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("features", [STONES, ODD], ids=["plain names", "odd names"])
def test_another_table_has_columns_and_a_query_of_its_own(
    tmp_path: Path, features: tuple[Column, ...], task: Task
) -> None:
    is_class = task == "classification"
    kind: Kind = "boolean" if is_class else "number"
    subject = Subject(
        name="stones",
        title="Stones",
        features=features,
        target=Column(name="worth", kind=kind, example=1),
        task=task,
    )
    random = np.random.default_rng(1)
    values = np.column_stack(
        [random.random(ROWS).astype(np.float32)]
        + [random.integers(0, most, ROWS) for most in (3, 2, 5, 2, 2)]
    ).astype(np.float64)
    for place in (2, 3, 5):
        values[random.random(ROWS) < 0.3, place] = np.nan
    true = random.integers(0, 2, ROWS) * 1.0 if is_class else random.random(ROWS)
    predicted = random.uniform(0.1, 0.9, ROWS)
    written = [
        {
            "timestamp": "2026-01-01T00:00:00Z",
            "model_version": "7",
            "features": dict(zip([c.name for c in features], logged(features, row), strict=True)),
            "probability" if is_class else "prediction": value,
            **({} if is_class else {"interval": [value - 0.3, value + 0.3]}),
        }
        for row, value in zip(values, predicted, strict=True)
    ]
    resources = with_tables(load(TEMPLATE), subject)["Resources"]
    today = tmp_path / f"predictions/day={datetime.now(UTC):%Y-%m-%d}"
    today.mkdir(parents=True)
    pq.write_table(converted(written, resources), today / "part.parquet")
    names = list(columns(resources["ActualTable"]))
    pq.write_table(pa.table([*values.T, true], names=names), tmp_path / "one.parquet")

    [row] = run(
        resources["PredictionsBesideActuals"]["Properties"]["QueryString"],
        predictions=f"{tmp_path}/predictions/*/*.parquet",
        actuals=f"{tmp_path}/one.parquet",
    )

    assert (row["model_version"], row["predictions"]) == ("7", ROWS)
    assert row["bias"] == pytest.approx(np.mean(predicted - true))
    if is_class:
        right = np.where(true == 1, predicted, 1 - predicted)
        assert row["log_loss"] == pytest.approx(-np.mean(np.log(right)))
        assert row["brier"] == pytest.approx(np.mean((predicted - true) ** 2))
    else:
        assert row["mae"] == pytest.approx(np.mean(np.abs(predicted - true)))
        assert float(row["coverage"]) == pytest.approx(np.mean(np.abs(predicted - true) <= 0.3))


def logged(features: Sequence[Column], row: np.ndarray[Any, Any]) -> Iterator[Any]:
    """Yield values as a line of the log has them."""
    for column, value in zip(features, row.tolist(), strict=True):
        if np.isnan(value):
            yield None
        elif column.kind == "category":
            yield [*column.categories, "other"][int(value)]
        else:
            yield {"boolean": bool, "integer": int}.get(column.kind, float)(value)


def run(query: str, **tables: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(DUCKDB), str(PROGRAM)],
        input=json.dumps({"query": query, "tables": tables}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: list[dict[str, Any]] = json.loads(done.stdout)
    return answer
