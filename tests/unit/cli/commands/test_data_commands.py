"""``housing data``."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakes.command_line import CommandLine
from housing.schema import CANONICAL_HEADER
from subjects.california.sample import generate
from subjects.california.schema import CENSUS_HEADER

CENSUS_ROW = (-122.23, 37.88, 41, 880, 129, 322, 126, 8.3252, 452_600)


def described(housing: CommandLine, path: Path, *, exit_code: int = 0) -> dict[str, Any]:
    result = housing("data", "describe", str(path), "--json")
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    described: dict[str, Any] = next(item for item in document["columns"] if item["name"] == name)
    return described


def test_a_sample_is_written(housing: CommandLine, folder: Path) -> None:
    options = ("--rows", "40", "--seed", "3", "--out", "new/sample.csv", "--json")
    result = housing("data", "generate", *options)

    facts = {"path": "new/sample.csv", "rows": 40, "source": "generated (seed 3)"}
    assert json.loads(result.stdout) == facts
    table = pd.read_csv(folder / "new" / "sample.csv")
    pd.testing.assert_frame_equal(table, generate(rows=40, seed=3))


def test_a_sample_that_cannot_be_written_is_one_line(housing: CommandLine, folder: Path) -> None:
    result = housing("data", "generate", "--rows", "4", "--out", str(folder))

    assert result.exit_code == 1
    assert "cannot write" in result.stderr


def test_no_rows_are_a_usage_error(housing: CommandLine) -> None:
    assert housing("data", "generate", "--rows", "0", "--out", "x.csv").exit_code == 2


def test_data_that_cannot_be_fetched_says_what_to_do(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing_cli.data.sources.fetch_real", lambda _: False)

    result = housing("data", "fetch", "--out", "real.csv")

    assert result.exit_code == 1
    assert "housing data generate --out real.csv" in result.stderr


def test_fetched_data_is_named_after_its_source(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing_cli.data.sources.fetch_real", lambda _: True)

    result = housing("data", "fetch", "--out", "real.csv", "--json")

    assert json.loads(result.stdout) == {"path": "real.csv", "source": "scikit-learn"}


def test_a_file_is_described_beside_the_schema(housing: CommandLine, folder: Path) -> None:
    table = generate(rows=9)
    table["MedInc"] = [1, 2, 3, 4, 5, "much", None, 16, -1]
    table["extra"] = 0
    table.to_csv(folder / "nine.csv", index=False)

    facts = described(housing, folder / "nine.csv", exit_code=1)

    income = column(facts, "MedInc")
    assert (facts["rows"], facts["header"], facts["unknown_columns"]) == (9, "canonical", ["extra"])
    assert (income["minimum"], income["median"], income["maximum"]) == (-1, 3, 16)
    assert (income["missing"], income["unusual"], income["impossible"]) == (2, 1, 1)
    assert income["unit"] == "$10,000"
    assert facts["rejected"].startswith("3 of 9 rows are bad")


def test_a_census_file_is_described_in_the_schemas_units(
    housing: CommandLine, folder: Path
) -> None:
    header = [*CENSUS_HEADER, "ocean_proximity"]
    table = pd.DataFrame([[*CENSUS_ROW, "NEAR BAY"]], columns=header)
    table.to_csv(folder / "census.csv", index=False)

    facts = described(housing, folder / "census.csv")

    assert (facts["header"], facts["unknown_columns"]) == ("census", ["ocean_proximity"])
    assert column(facts, "AveRooms")["median"] == pytest.approx(6.984, abs=0.001)
    assert column(facts, "MedHouseVal")["median"] == pytest.approx(4.526)


def test_the_table_has_a_line_for_each_column_and_the_verdict_is_last(
    housing: CommandLine, folder: Path
) -> None:
    generate(rows=9).assign(extra=0, more=1).to_csv(folder / "nine.csv", index=False)

    result = housing("data", "describe", "nine.csv")

    lines = result.stdout.splitlines()
    assert lines[0] == "nine.csv: 9 rows, canonical header"
    assert [line.split()[0] for line in lines[2:11]] == list(CANONICAL_HEADER)
    assert lines[11:] == ["ignored columns: extra, more", "an upload would be accepted"]


def test_a_file_is_described_as_the_check_reads_it(housing: CommandLine, folder: Path) -> None:
    table = generate(rows=40)
    text = table.to_csv(index=False, sep=";", decimal=",").replace("\n", ";\n")
    (folder / "odd.csv").write_bytes(gzip.compress(text.encode("utf-16")))

    facts = described(housing, folder / "odd.csv")

    assert (facts["rows"], facts["bad_rows"], facts["rejected"]) == (40, 0, None)
    medians = [column["median"] for column in facts["columns"]]
    assert medians == pytest.approx(table.median().tolist())
    assert [remark[:20] for remark in facts["remarks"]] == [
        "the text is UTF-16 a",
        "numbers have a decim",
    ]


def test_a_bad_file_is_described_with_its_problems_and_what_an_upload_would_say(
    housing: CommandLine, folder: Path
) -> None:
    table = generate(rows=3)
    table["MedInc"] = "much"
    table.to_csv(folder / "three.csv", index=False)

    result = housing("data", "describe", "three.csv")

    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "three.csv: 3 rows, 3 of them bad, canonical header"
    assert lines[-2] == "row 3, MedInc 'much': not a number"
    assert lines[-1].startswith("an upload would be rejected: 3 of 3 rows are bad")


def test_the_written_file_is_printed(housing: CommandLine, folder: Path) -> None:
    result = housing("data", "generate", "--rows", "40", "--out", "sample.csv")

    assert result.exit_code == 0
    assert "sample.csv" in result.stdout
    assert not result.stdout.startswith("{")
    assert (folder / "sample.csv").exists()


def test_a_column_of_text_only_has_no_numbers(housing: CommandLine, folder: Path) -> None:
    table = generate(rows=3)
    table["MedInc"] = "much"
    table.to_csv(folder / "three.csv", index=False)

    income = column(described(housing, folder / "three.csv", exit_code=1), "MedInc")

    assert (income["missing"], income["median"]) == (3, None)


@pytest.mark.parametrize("content", [b"", b'a,b\n"1', b"\xff\xfe\x00\x81"])
def test_a_file_that_is_no_csv_is_one_line(
    content: bytes, housing: CommandLine, folder: Path
) -> None:
    (folder / "bad.csv").write_bytes(content)

    result = housing("data", "describe", "bad.csv")

    assert result.exit_code == 1
    assert result.stderr.startswith("error: an upload of bad.csv would be rejected: ")
    assert result.stderr.count("\n") == 1


def test_a_missing_file_is_one_line(housing: CommandLine) -> None:
    result = housing("data", "describe", "nowhere.csv")

    assert result.stderr == "error: no such file: nowhere.csv\n"
