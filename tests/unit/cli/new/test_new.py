"""``housing new``: a subject from tables as people have them."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import CommandLine
from housing_cli.new import writing
from housing_ops.checkout import CHECKOUT

ROWS = 300


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(writing, "SUBJECTS", tmp_path / "subjects")
    monkeypatch.setattr(writing, "TESTS", tmp_path / "tests")
    return tmp_path


def columns(seed: int = 0) -> dict[str, list[str]]:
    rng = random.Random(seed)
    size = [round(rng.uniform(20, 200), 1) for _ in range(ROWS)]
    return {
        "size": [str(one) for one in size],
        "rooms": [str(rng.randint(1, 9)) for _ in range(ROWS)],
        "heating": [rng.choice(["gas", "oil", "none at all"]) for _ in range(ROWS)],
        "state": [rng.choice(["poor", "good", "fair"]) for _ in range(ROWS)],
        "balcony": [rng.choice(["yes", "no"]) for _ in range(ROWS)],
        "rent": [f"{9 * one + rng.uniform(0, 300):.2f}" for one in size],
    }


def write(path: Path, table: dict[str, list[str]], delimiter: str = ",") -> Path:
    rows = [list(table), *zip(*table.values(), strict=True)]
    path.write_text("\n".join(delimiter.join(row) for row in rows) + "\n", encoding="utf-8")
    return path


def made(
    housing: CommandLine,
    folder: Path,
    table: dict[str, list[str]],
    *options: str,
    target: str = "rent",
) -> dict[str, Any]:
    path = write(folder / "flats.csv", table)
    result = housing("new", "flats", "--from", str(path), "--target", target, "--json", *options)
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def refusal(
    housing: CommandLine, folder: Path, table: dict[str, list[str]], target: str, *options: str
) -> str:
    path = write(folder / "flats.csv", table)
    result = housing("new", "flats", "--from", str(path), "--target", target, *options)
    assert result.exit_code == 1, result.output
    assert not (folder / "subjects").exists()
    return " ".join(result.stderr.split())


def test_kinds_order_and_task_are_inferred(housing: CommandLine, folders: Path) -> None:
    facts = made(housing, folders, columns())

    kinds = ("number", "integer", "category", "category", "boolean")
    assert facts["features"] == dict(zip(columns(), kinds, strict=False))
    assert facts["task"] == "regression"
    assert facts["left_out"] == {}
    assert "state: categories in this order: poor, fair, good" in facts["assumed"]


def test_the_written_subject_is_clean_and_valid_and_reads_the_file(
    housing: CommandLine, folders: Path
) -> None:
    table = columns()
    table["heating"][5] = ""
    table["state"][7] = "ruined"
    table |= {
        "class": table["rooms"],
        "a b (m²)": table["size"],
        "F.x": ["low " * 20, "high"] * 150,
    }
    facts = made(housing, folders, table)

    options = ["--config", str(CHECKOUT / "pyproject.toml"), "--no-cache"]
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--ignore", "INP001,D103,S101"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *command, *options, *facts["paths"]],
            check=False,
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    checked = subprocess.run(
        [sys.executable, "-m", "housing_cli", "data", "describe", "flats.csv", "--json"],
        check=False,
        capture_output=True,
        cwd=folders,
        env={
            "HOUSING_SUBJECT": "flats",
            "HOUSING_SUBJECTS_DIR": str(writing.SUBJECTS),
            "PYTHONPATH": ":".join(
                str(CHECKOUT / one) for one in ("functions", "layers/shared", "cli", "local")
            ),
        },
    )
    document = json.loads(checked.stdout)
    assert (document["rows"], document["bad_rows"], document["problems"]) == (ROWS, 0, [])


@pytest.mark.parametrize("own", [True, False])
def test_rows_with_equal_features_are_rows_of_their_own_where_there_are_many(
    housing: CommandLine, folders: Path, *, own: bool
) -> None:
    table = columns()
    repeated = range(20 if own else 10)
    for cells in table.values():
        cells[: len(repeated)] = [cells[100]] * len(repeated)

    facts = made(housing, folders, table)

    (line,) = (one for one in facts["assumed"] if "the features of another row" in one)
    assert line.startswith(f"{len(repeated)} of 300 rows")
    assert ("each is a row of its own" in line) == own
    text = Path(facts["paths"][0]).read_text(encoding="utf-8")
    assert ("repeats=True" in text) == own


def test_nothing_is_overwritten(housing: CommandLine, folders: Path) -> None:
    written = Path(made(housing, folders, columns())["paths"][0])
    before = written.read_bytes()

    path = str(folders / "flats.csv")
    again = housing("new", "flats", "--from", path, "--target", "rent")

    assert again.exit_code == 1
    assert "is not overwritten" in again.stderr
    assert written.read_bytes() == before


@pytest.mark.parametrize("name", ["Flats", "my-flats", "1st", "class", "../x"])
def test_a_name_that_is_none_is_refused(housing: CommandLine, name: str, folders: Path) -> None:
    path = write(folders / "flats.csv", columns())
    result = housing("new", name, "--from", str(path), "--target", "rent")
    assert (result.exit_code, "is not a valid name" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("number", [str(one) for one in range(ROWS)], "it numbers the rows"),
        ("flat_id", [str(one * 7919 % 100_003) for one in range(ROWS)], "it numbers the rows"),
        ("owner_id", [f"P{one % 120}" for one in range(ROWS)], "it is an identifier: 120"),
        ("code", [f"F-{one:05}" for one in range(ROWS)], "each row has a different text"),
        ("sold", [f"2024-{one % 12 + 1:02}-{one % 28 + 1:02}" for one in range(ROWS)], "a date"),
        ("sold", [f"{one % 28 + 1}.{one % 12 + 1}.2024" for one in range(ROWS)], "a date as text"),
        ("sold", [f"{one % 28 + 1} Mar 2024" for one in range(ROWS)], "a date as text"),
        ("fee", [f"${one % 90}.50" for one in range(ROWS)], "currency or percent sign"),
        ("country", ["DE"] * ROWS, "all its values are 'DE'"),
        ("nothing", [""] * ROWS, "all its cells are blank"),
        ("cents", [f"{float(one) * 100:.0f}" for one in columns()["rent"]], "in another unit"),
        ("squared", [f"{float(one) ** 4:.4f}" for one in columns()["rent"]], "the same order as"),
        ("minus", [f"-{one}" for one in columns()["rent"]], "rent in another unit"),
        ("notes", [f"text {one // 2 * (one % 3)}" for one in range(ROWS)], "different texts"),
    ],
)
def test_a_column_that_is_no_feature_is_left_out_and_said(
    housing: CommandLine, folders: Path, name: str, cells: list[str], reason: str
) -> None:
    facts = made(housing, folders, {name: cells} | columns())

    assert list(facts["left_out"]) == [name]
    assert reason in facts["left_out"][name]


def test_blanks_make_a_column_optional_and_a_single_category_other(
    housing: CommandLine, folders: Path
) -> None:
    table = columns()
    table["size"][3], table["balcony"][4], table["heating"][5] = "", "NA", "wood"
    assumed = made(housing, folders, table)["assumed"]

    assert "size: 1 cells are missing: it is optional" in assumed
    assert "balcony: 1 cells are missing: it is optional" in assumed
    assert "heating: categories with one row ('wood') are read as other" in assumed
    written = (folders / "subjects/flats/__init__.py").read_text()
    assert written.count("optional=True") == 2
    assert written.count('unknown="other"') == 1


def test_a_column_without_a_name_is_left_out(housing: CommandLine, folders: Path) -> None:
    facts = made(housing, folders, {"": [str(one) for one in range(ROWS)]} | columns())

    assert "the column without a name is left out: it numbers the rows" in facts["assumed"]
    assert "" not in facts["features"]


@pytest.mark.parametrize(
    ("values", "label"),
    [("10", ""), (("Yes", "No"), ""), ("MB", "'M'"), ("21", "'2'")],
)
def test_a_target_of_two_values_is_a_classification(
    housing: CommandLine, folders: Path, values: Sequence[str], label: str
) -> None:
    rng = random.Random(1)
    cells = [values[0] if rng.random() < 0.3 else values[1] for _ in range(ROWS)]
    facts = made(housing, folders, columns() | {"let": cells}, target="let")

    assert facts["task"] == "classification"
    sentence = next(one for one in facts["assumed"] if one.startswith("let has two values"))
    assert label in sentence


def test_a_feature_that_reveals_the_label_is_left_out(housing: CommandLine, folders: Path) -> None:
    rng = random.Random(1)
    label = [rng.choice("01") for _ in range(ROWS)]
    outcome_of = ["paid" if one == "1" else rng.choice(["open", "late"]) for one in label]
    table = columns() | {"outcome": outcome_of, "let": label}

    left_out = made(housing, folders, table, target="let")["left_out"]
    assert left_out == {"outcome": "each of its values goes with one value of let alone"}


def test_a_file_with_semicolons_and_decimal_commas_is_read(
    housing: CommandLine, folders: Path
) -> None:
    table = {name: [cell.replace(".", ",") for cell in cells] for name, cells in columns().items()}
    path = write(folders / "flats.csv", table, ";")
    result = housing("new", "flats", "--from", str(path), "--target", "rent", "--json")

    facts = json.loads(result.stdout)
    assert facts["features"]["size"] == "number"
    assert "numbers have a decimal comma" in facts["assumed"]


@pytest.mark.parametrize(
    ("change", "target", "sentence"),
    [
        ({}, "Rent", "has no column Rent: did you mean rent?"),
        ({"rent": ["5"] * ROWS}, "rent", "rent cannot be the target: all its values are '5'"),
        ({"rent": [""] * ROWS}, "rent", "rent cannot be the target: all its cells are blank"),
        ({}, "heating", "a classification has two"),
        ({"Size": ["1"] * ROWS}, "rent", "the column size more than once"),
        (
            {"model_name": ["1", "2.5"] * (ROWS // 2)},
            "model_name",
            "field of",
        ),
    ],
)
def test_a_table_without_a_model_is_refused(
    housing: CommandLine, folders: Path, change: dict[str, list[str]], target: str, sentence: str
) -> None:
    options = ("--task", "regression") if target == "model_name" else ()
    line = refusal(housing, folders, columns() | change, target, *options)
    assert sentence in line


def test_forty_rows_are_too_few(housing: CommandLine, folders: Path) -> None:
    table = {name: cells[:40] for name, cells in columns().items()}
    assert "has 40 rows; at least 200 are needed" in refusal(housing, folders, table, "rent")


def test_a_file_without_a_feature_is_refused(housing: CommandLine, folders: Path) -> None:
    rent = columns()["rent"]
    line = refusal(housing, folders, {"n": [str(one) for one in range(ROWS)], "rent": rent}, "rent")
    assert "no column" in line
    assert "n: it numbers the rows" in line


def test_no_such_file_is_one_line(housing: CommandLine) -> None:
    result = housing("new", "flats", "--from", "none.csv", "--target", "x")
    assert (result.exit_code, "no such file: none.csv" in result.stderr) == (1, True)
