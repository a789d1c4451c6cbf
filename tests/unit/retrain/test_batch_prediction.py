"""Predictions of a whole file: those of the graph, in order, whole or absent."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.onnx_models import linear_model
from fakes.tables import housing_table
from housing.schema import FEATURE_NAMES
from retrain.training.batch import prediction
from retrain.training.batch.output import written
from retrain.training.batch.prediction import predict_file
from retrain.training.dataset.rows import Rows
from retrain.training.errors import ModelLoadError, OutputError, UploadRejectedError
from retrain.training.model.evaluation import score

MODEL = linear_model()
TABLE = housing_table(300)
READ: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": lambda path: pq.read_table(path).to_pandas(),
    ".csv": pd.read_csv,
}
SCHEMA = pa.schema([("row", pa.int64())])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "asked.csv"
    TABLE[list(FEATURE_NAMES)].to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", READ)
def test_the_prices_are_the_graphs_in_the_files_order(
    source: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "_RUN_ROWS", 7)
    out = source.with_name(f"prices{suffix}")

    made = predict_file(source, out, MODEL)

    prices = READ[suffix](out)
    expected = score(MODEL, Rows.of(TABLE.to_numpy()).features)
    assert (made.read, made.predicted, made.problems) == (300, 300, [])
    assert list(prices.columns[:4]) == ["row", "price", "lower", "upper"]
    assert prices["row"].tolist() == list(range(1, 301))
    assert prices["price"].to_numpy() == pytest.approx(expected.price, rel=1e-6)
    assert prices["upper"].to_numpy() == pytest.approx(expected.upper, rel=1e-6)


def test_the_target_and_other_columns_are_ignored(source: Path) -> None:
    table = TABLE.assign(id=range(300), MedHouseVal="unknown")[["id", *TABLE.columns[::-1]]]
    other = source.with_name("other.csv")
    table.to_csv(other, index=False)
    outs = [source.with_name(name) for name in ("1.parquet", "2.parquet")]

    for path, out in zip((source, other), outs, strict=True):
        predict_file(path, out, MODEL)

    first, second = map(READ[".parquet"], outs)
    assert first.equals(second)


def test_a_file_of_the_census_has_no_value_to_be_known(tmp_path: Path) -> None:
    source, out = tmp_path / "census.csv.gz", tmp_path / "prices.csv"
    header = "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,"
    row = "-122.23,37.88,41,880,129,322,126,8.3252"
    text = f"{header}households,median_income\n{row}\n{row.replace('126', '0')}\n"
    source.write_bytes(gzip.compress(text.encode()))

    made = predict_file(source, out, MODEL)

    assert (made.read, made.predicted) == (2, 1)
    assert READ[".csv"](out)["row"].tolist() == [1]


def test_bad_rows_are_reported_as_the_check_does_and_keep_their_numbers(source: Path) -> None:
    lines = source.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[0], "abc", 1)
    lines[5] = f'"{lines[5]}'
    lines[200] = ",".join(["-500", *lines[200].split(",")[1:]])
    source.write_text("\n".join(lines) + "\n")
    out = source.with_name("prices.parquet")

    made = predict_file(source, out, MODEL)

    rows = READ[".parquet"](out)["row"].tolist()
    assert rows == [row for row in range(1, 301) if row not in {3, 5, 200}]
    assert (made.read, made.predicted, made.problems_total) == (300, 297, 3)
    first, second, _ = made.problems
    assert (first.row, first.reason) == (3, "not a number")
    assert "a quote opens in this line" in second.reason


def test_a_file_that_cannot_be_predicted_leaves_what_was_there(source: Path) -> None:
    out = source.with_name("prices.parquet")
    out.write_text("before")
    source.write_text("a,b\n1,2\n")

    with pytest.raises(UploadRejectedError, match="header"):
        predict_file(source, out, MODEL)
    with pytest.raises(ModelLoadError):
        predict_file(source, out, b"no graph")

    assert out.read_text() == "before"
    assert sorted(path.name for path in out.parent.iterdir()) == ["asked.csv", "prices.parquet"]


@pytest.mark.parametrize("suffix", READ)
def test_an_interrupt_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"prices{suffix}"

    def interrupted() -> None:
        with written(out, SCHEMA) as write:
            write({"row": np.arange(3)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_is_refused_before_the_file_is_read(source: Path) -> None:
    with pytest.raises(OutputError, match=r"must end in \.parquet or \.csv"):
        predict_file(source, source.with_name("prices.xlsx"), MODEL)
    with pytest.raises(OutputError, match="No such file or directory"):
        predict_file(source, source.parent / "missing" / "prices.csv", MODEL)


def test_it_is_told_how_many_bytes_are_read(source: Path) -> None:
    read: list[int] = []

    predict_file(source, source.with_name("prices.csv"), MODEL, on_bytes=read.append)

    assert read[-1] == source.stat().st_size
