"""Where the first upload's data comes from: a given file, the real data set, or the generator."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from housing.schema import CANONICAL_HEADER
from housing_cli.data.generated import DEFAULT_ROWS, generate
from housing_cli.errors import DataFileError

FETCH_SECONDS = 20.0
SCIKIT_LEARN = "scikit-learn"
DOWNLOAD = "housing_cli.data.sources"


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
    path = in_folder(folder / "california_housing.csv")
    if (fetch or fetch_real)(path):
        return Data(path, SCIKIT_LEARN)
    return generate_to(folder / "generated.csv", rows=rows, seed=0)


def generate_to(path: Path, *, rows: int, seed: int) -> Data:
    """Write a generated sample.

    Raises:
        DataFileError: The file cannot be written.
    """
    table = generate(rows, seed)
    try:
        table.to_csv(in_folder(path), index=False)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
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
            [sys.executable, "-m", DOWNLOAD, str(partial)],
            timeout=timeout_seconds,
            check=False,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        partial.unlink(missing_ok=True)
        return False
    if ended.returncode != 0:
        return False
    partial.replace(path)
    return True


def in_folder(path: Path) -> Path:
    """Return the path once its folder exists.

    Raises:
        DataFileError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    return path


def _unwritable(path: Path, error: OSError) -> DataFileError:
    return DataFileError(f"{path} cannot be written: {error.strerror}")


def main(target: str) -> None:
    """Write the data set as CSV under the canonical header.

    scikit-learn keeps it in its own cache, so that a second call needs no network.
    """
    from sklearn.datasets import fetch_california_housing  # noqa: PLC0415 - seconds to import

    bunch = fetch_california_housing(as_frame=True, n_retries=1, delay=0.1)
    bunch.frame[list(CANONICAL_HEADER)].to_csv(target, index=False)


if __name__ == "__main__":
    main(sys.argv[1])
