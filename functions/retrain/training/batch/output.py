"""Write predictions to a Parquet or CSV file, batch by batch; the file is whole or absent."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow.csv import CSVWriter, WriteOptions

from retrain.training.errors import OutputError

SUFFIXES = (".parquet", ".csv")
Columns = Mapping[str, NDArray[Any]]
Write = Callable[[Columns], None]


def check_suffix(path: Path) -> None:
    """Check that a file's suffix names a format.

    Raises:
        OutputError: It names none.
    """
    if path.suffix not in SUFFIXES:
        msg = f"{path.name} must end in {' or '.join(SUFFIXES)}"
        raise OutputError(msg)


@contextmanager
def written(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """Yield a function that adds a batch of rows; the file takes its name at the end.

    After an error, or an interrupt, a file of that name is what it was before.

    Args:
        path: The file; its suffix decides the format.
        schema: Its columns.

    Raises:
        OutputError: The suffix is another one, or the file cannot be written.
    """
    check_suffix(path)
    with _errors_of(path):
        file = NamedTemporaryFile(  # noqa: SIM115 - closed below
            dir=path.parent, prefix=f".{path.name}-", suffix=".part", delete=False
        )
    part = Path(file.name)
    try:
        with _errors_of(path):
            writer = _csv_writer(file, schema) if path.suffix == ".csv" else _parquet(file, schema)

        def write(columns: Columns) -> None:
            arrays = [pa.array(columns[name]) for name in schema.names]
            with _errors_of(path):
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))

        with _closed(writer, path):
            yield write
        with _errors_of(path):
            file.close()
            part.chmod(0o666 & ~_umask())  # as a file that ``open`` makes
            part.replace(path)
    finally:
        file.close()
        part.unlink(missing_ok=True)


@contextmanager
def _closed(writer: pq.ParquetWriter | CSVWriter, path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with _errors_of(path):
            writer.close()


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        msg = f"{path} cannot be written: {exc.strerror or exc}"
        raise OutputError(msg) from exc


def _parquet(file: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(file, schema)


def _csv_writer(file: IO[bytes], schema: pa.Schema) -> CSVWriter:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)
    file.write(header.getvalue().encode())
    return CSVWriter(file, schema, write_options=WriteOptions(include_header=False))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
