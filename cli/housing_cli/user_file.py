"""A file of the user's, read as an upload is read, with its errors as the command line's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from housing_cli.errors import DataFileError
from retrain.training.errors import UploadRejectedError


@contextmanager
def reading(path: Path, *, rejected: str = "cannot read {}") -> Iterator[None]:
    """Translate the errors of reading a file as an upload is read.

    Args:
        path: The file.
        rejected: What its rejection means, with a place for its name.

    Raises:
        DataFileError: It is missing, unreadable, or would be rejected as an upload.
    """
    try:
        yield
    except UploadRejectedError as exc:
        msg = f"{rejected.format(path)}: {exc}"
        raise DataFileError(msg) from exc
    except FileNotFoundError as exc:
        msg = f"no such file: {path}"
        raise DataFileError(msg) from exc
    except OSError as exc:
        msg = f"cannot read {path}: {exc.strerror}"
        raise DataFileError(msg) from exc
