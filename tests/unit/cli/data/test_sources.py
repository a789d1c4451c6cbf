"""Where the data for the first upload comes from."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from housing_cli.data.sources import fetch_real, first_data
from housing_cli.errors import DataFileError
from subjects.california.sample import generate


def reached(path: Path) -> bool:
    path.write_text("the real rows", encoding="ascii")
    return True


def unreachable(_: Path) -> bool:
    return False


def unwanted(_: Path) -> bool:
    pytest.fail("nothing was to be fetched")


def test_a_given_file_comes_first_and_is_used_as_it_is(csv: Path, folder: Path) -> None:
    data = first_data(csv, folder / "data", fetch=unwanted)

    assert (data.path, data.source) == (csv, "file:more.csv")
    assert not (folder / "data").exists()


def test_a_given_file_that_is_missing_is_an_error_and_no_reason_to_take_another(
    folder: Path,
) -> None:
    with pytest.raises(DataFileError, match=r"HOUSING_DATA is .*gone\.csv"):
        first_data(folder / "gone.csv", folder, fetch=unwanted)


def test_without_a_file_the_real_data_is_fetched(folder: Path) -> None:
    data = first_data(None, folder / "new" / "data", fetch=reached)

    assert data.source == "scikit-learn"
    assert data.path.parent == folder / "new" / "data"
    assert data.path.read_text(encoding="ascii") == "the real rows"


def test_without_a_network_a_sample_is_generated_and_named_so(folder: Path) -> None:
    data = first_data(None, folder / "data", rows=50, fetch=unreachable)

    assert data.source == "generated (seed 0)"
    pd.testing.assert_frame_equal(pd.read_csv(data.path), generate(rows=50, seed=0))
    assert list((folder / "data").iterdir()) == [data.path]


def test_a_folder_that_cannot_be_made_is_an_error(csv: Path) -> None:
    with pytest.raises(DataFileError, match="cannot write"):
        first_data(None, csv / "data", fetch=unreachable)


def test_a_fetch_that_hangs_is_ended_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(arguments: list[str], *, timeout: float, **_: object) -> None:
        Path(arguments[-1]).write_text("half a fi", encoding="ascii")
        raise subprocess.TimeoutExpired(arguments, timeout)

    monkeypatch.setattr(subprocess, "run", hang)

    assert not fetch_real(folder / "real.csv")
    assert list(folder.iterdir()) == []


def test_the_childs_bound_is_a_real_one(folder: Path) -> None:
    assert not fetch_real(folder / "real.csv", timeout_seconds=0.05)
    assert list(folder.iterdir()) == []


def test_a_fetch_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("housing_cli.data.sources.DOWNLOAD", "no.such.module")

    assert not fetch_real(folder / "real.csv")
    assert list(folder.iterdir()) == []


def test_a_fetch_that_succeeds_leaves_the_file_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "writer.py").write_text(
        "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('the real rows')"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr("housing_cli.data.sources.DOWNLOAD", "writer")

    assert fetch_real(folder / "real.csv")
    assert (folder / "real.csv").read_text() == "the real rows"
    assert sorted(path.name for path in folder.glob("real*")) == ["real.csv"]
