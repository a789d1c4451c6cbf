"""Data for the first upload: a given file, the real data set, or a generated sample.

A subject may have a module ``fetch``, a program that writes its real data set and names their
``SOURCE``, and a module ``sample``, whose ``generate`` draws better rows than the schema gives.
"""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from housing.schema import FOLDER, SUBJECT
from housing_cli.data import DEFAULT_ROWS
from housing_cli.errors import DataFileError

FETCH_SECONDS = 20.0
DOWNLOAD = f"{FOLDER}.fetch"
_SAMPLE = f"{FOLDER}.sample"


@dataclass(frozen=True, slots=True)
class Data:
    """A CSV, and the source of its rows for the registry."""

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

    A given file is used as it is. Without one, the real data set is fetched; if that fails, a
    sample is generated.

    Args:
        given: The file of ``HOUSING_DATA``, if it is set.
        folder: Folder for a fetched or generated CSV.
        rows: Rows of a generated sample.
        fetch: Writes the real data set to a path, or returns False; by default ``fetch_real``.

    Raises:
        DataFileError: The given file does not exist, or the folder cannot be written.
    """
    if given is not None:
        if not given.is_file():
            msg = f"HOUSING_DATA is {given}, which does not exist: correct or unset it"
            raise DataFileError(msg)
        return Data(given, f"file:{given.name}")
    path = in_folder(folder / f"{SUBJECT.name}.csv")
    if (fetch or fetch_real)(path):
        return Data(path, real_source())
    return generate_to(folder / "generated.csv", rows=rows, seed=0)


def generate_to(path: Path, *, rows: int, seed: int) -> Data:
    """Write a generated sample.

    Raises:
        DataFileError: The file cannot be written.
    """
    has_own = importlib.util.find_spec(_SAMPLE) is not None
    sample = importlib.import_module(_SAMPLE if has_own else "housing_cli.data.generating")
    table = sample.generate(rows, seed)
    try:
        table.to_csv(in_folder(path), index=False)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    return Data(path, f"generated (seed {seed})")


def has_real() -> bool:
    """Return whether the subject has a program that fetches its real data set."""
    return importlib.util.find_spec(f"{FOLDER}.fetch") is not None


def real_source() -> str:
    """Return the source of the real data set, for the registry."""
    return str(importlib.import_module(f"{FOLDER}.fetch").SOURCE)


def fetch_real(path: Path, *, timeout_seconds: float = FETCH_SECONDS) -> bool:
    """Write the real data set, unless that fails or takes too long.

    A download may have no timeout, as scikit-learn's, and the lookup of a host name ignores that
    of a socket; a child process can be killed.

    Returns:
        Whether the file was written.
    """
    if not has_real():
        return False
    partial = path.with_suffix(".partial")
    try:
        completed = subprocess.run(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-m", DOWNLOAD, str(partial)],
            timeout=timeout_seconds,
            check=False,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        partial.unlink(missing_ok=True)
        return False
    if completed.returncode != 0:
        return False
    partial.replace(path)
    return True


def in_folder(path: Path) -> Path:
    """Make the folder of a path; return the path.

    Raises:
        DataFileError: The folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    return path


def _unwritable(path: Path, error: OSError) -> DataFileError:
    return DataFileError(f"cannot write {path}: {error.strerror}")
