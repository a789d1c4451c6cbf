"""Where the first upload's data comes from: a given file, the real data set, or the generator."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from housing_cli.data.generated import DEFAULT_ROWS, generate
from housing_cli.errors import DataFileError

FETCH_SECONDS = 20.0
SCIKIT_LEARN = "scikit-learn"
_CHILD = (sys.executable, "-m", "housing_cli.data.download")


@dataclass(frozen=True, slots=True)
class Data:
    """A CSV and where its rows come from, in the words that the registry will hold."""

    path: Path
    source: str


def first_data(
    given: Path | None,
    folder: Path,
    *,
    rows: int = DEFAULT_ROWS,
    fetch: Callable[[Path], bool] | None = None,
) -> Data:
    """Return the data for a first upload.

    A given file is used as it is. Without one the real data set is fetched; where that fails,
    a sample is generated.

    Args:
        given: What ``HOUSING_DATA`` says, if it is set.
        folder: Where a CSV is written, if one is.
        rows: How many rows to generate, if it comes to that.
        fetch: Writes the real data set to a path, or returns False; ``fetch_real`` if not given.

    Raises:
        DataFileError: The given file does not exist, or the folder cannot be written.
    """
    if given is not None:
        if not given.is_file():
            msg = f"HOUSING_DATA names {given}, and there is no such file: correct or unset it"
            raise DataFileError(msg)
        return Data(given, f"file:{given.name}")
    path = folder / "california_housing.csv"
    if (fetch or fetch_real)(writable(path)):
        return Data(path, SCIKIT_LEARN)
    return generate_to(folder / "generated.csv", rows=rows, seed=0)


def generate_to(path: Path, *, rows: int, seed: int) -> Data:
    """Write a generated sample.

    Raises:
        DataFileError: The file cannot be written.
    """
    table = generate(rows, seed)
    table.to_csv(writable(path), index=False)
    return Data(path, f"generated (seed {seed})")


def fetch_real(path: Path, *, timeout_seconds: float = FETCH_SECONDS) -> bool:
    """Write the real data set, unless that fails or takes too long.

    scikit-learn's download has no bound of its own, and looking up a name that never answers heeds
    no socket timeout; a child process can simply be ended.

    Returns:
        Whether the file was written.
    """
    partial = path.with_suffix(".partial")
    try:
        ended = subprocess.run(  # noqa: S603 - our own module, by our own interpreter
            [*_CHILD, str(partial)], timeout=timeout_seconds, check=False, capture_output=True
        )
    except subprocess.TimeoutExpired:
        return False
    finally_there = ended.returncode == 0 and partial.is_file()
    if finally_there:
        partial.replace(path)
    return finally_there


def writable(path: Path) -> Path:
    """Return the path once its folder exists and the file can be written.

    Raises:
        DataFileError: It cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as exc:
        msg = f"{path} cannot be written: {exc.strerror}"
        raise DataFileError(msg) from exc
    return path
