"""Model files on the function's disk, kept by their digest.

A new process in the same sandbox finds the file of the last one and need not download it.
"""

import hashlib
import logging
import os
import tempfile
from pathlib import Path

_LOG = logging.getLogger(__name__)


class ModelFiles:
    """One directory that holds the file of the last loaded version."""

    def __init__(self, directory: Path) -> None:
        """Use a directory; it is made when the first file is kept."""
        self._directory = directory

    def find(self, sha256: str) -> bytes | None:
        """Return the file of that digest, or None where it is missing or not what it says."""
        try:
            content = self._path(sha256).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def keep(self, sha256: str, content: bytes) -> None:
        """Write a file and remove all others; a full or read-only disk is only logged."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(sha256), content)
            for other in self._directory.iterdir():
                if other != self._path(sha256):
                    other.unlink(missing_ok=True)
        except OSError as exc:
            _LOG.warning("model_file_not_kept", extra={"sha256": sha256, "error": str(exc)})

    def _write(self, path: Path, content: bytes) -> None:
        descriptor, unfinished = tempfile.mkstemp(dir=self._directory, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(unfinished).replace(path)

    def _path(self, sha256: str) -> Path:
        return self._directory / f"{sha256}.onnx"
