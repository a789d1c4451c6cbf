"""``housing train``: a model of a file, and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest

from fakes.command_line import CommandLine
from fakes.tables import as_csv, housing_table
from housing_cli.services import Services
from retrain.training.model.evaluation import score


@pytest.fixture
def housing() -> CommandLine:
    return CommandLine(Services())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_ITERATIONS", "10")


def test_a_file_becomes_a_model_a_card_and_figures(housing: CommandLine, tmp_path: Path) -> None:
    table = housing_table(400)
    file = tmp_path / "rows.csv"
    file.write_bytes(as_csv(table))

    done = housing("train", "--data", str(file), "--out", str(tmp_path / "made"), "--json")

    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed["rows"] == {"read": 400, "bad": 0}
    assert {"rmse", "coverage", "spatial_rmse"} <= printed["metrics"].keys()
    model = (tmp_path / "made/model.onnx").read_bytes()
    assert len(score(model, table.to_numpy()[:5, :8].astype(np.float32)).price) == 5
    card = (tmp_path / "made/model_card.md").read_text()
    assert "400 distinct rows, source `file:rows.csv`" in card
    assert all(Path(name).is_file() for name in printed["files"])
    assert len(printed["files"]) == 5


def test_rows_figures_and_files_are_printed(housing: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(as_csv(housing_table(400)))

    done = housing("train", "--data", str(file), "--out", str(tmp_path / "made"))

    assert done.exit_code == 0, done.output
    rows, *figures, written = done.stdout.strip().splitlines()
    assert rows == "rows     400 read, 0 bad"
    assert float({line.split()[0]: line.split()[1] for line in figures}["rmse"]) > 0
    assert str(tmp_path / "made/model.onnx") in written


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"MedInc\n1\n", "missing columns HouseAge"),
        (as_csv(housing_table(20)), "200 are needed"),
        (as_csv(housing_table(300).assign(MedInc="x")), "rows are bad (100.0%; 10% is the limit)"),
    ],
    ids=["a column is missing", "too few rows", "bad rows"],
)
def test_a_file_without_a_model_is_refused_with_the_reason(
    housing: CommandLine, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(content)

    done = housing("train", "--data", str(file), "--out", str(tmp_path / "made"))

    assert done.exit_code == 1
    assert reason in done.stderr
    assert not (tmp_path / "made").exists()


def test_a_missing_file_is_an_error(housing: CommandLine, tmp_path: Path) -> None:
    done = housing("train", "--data", str(tmp_path / "none.csv"))

    assert done.exit_code == 1
    assert "no such file" in done.stderr
