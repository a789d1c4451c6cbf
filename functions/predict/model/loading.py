"""From a registered version to a predictor that has proved itself."""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from housing.errors import ArtifactDigestError
from housing.registry.port import MODEL_FILE, ModelVersion, Tag
from housing.schema import FEATURES
from predict.errors import ModelOutputError, ModelRefusedError
from predict.model.predictor import Predictor

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Two rows, so that a graph that takes one row only does not pass.
_SMOKE_ROWS = np.array([[column.example for column in FEATURES]] * 2)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded version; ``stale`` when it may not be what the alias names now."""

    version: ModelVersion
    predictor: Predictor
    loaded_at: datetime
    stale: bool = False
    reason: str | None = None


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


def load_predictor(
    download: Callable[[], bytes], files: ModelFiles, version: ModelVersion
) -> Predictor:
    """Fetch a version's model, check it and load it.

    Args:
        download: Fetches its file; not called when the file is kept already. What it raises is
            raised.
        files: Where model files are kept.
        version: Which one it is; its tag says the digest that the file must have.

    Raises:
        ModelRefusedError: Its digest, signature or smoke prediction is wrong.
    """
    kept = files.find(registered_digest(version))
    try:
        content = download() if kept is None else kept
    except ArtifactDigestError as exc:
        raise ModelRefusedError(str(exc)) from exc
    predictor = prove(content, version)
    if kept is None:
        files.keep(registered_digest(version), content)
    return predictor


def prove(content: bytes, version: ModelVersion) -> Predictor:
    """Check a model file against what is registered, and load it.

    Raises:
        ModelRefusedError: Its digest, signature or smoke prediction is wrong.
    """
    if hashlib.sha256(content).hexdigest() != registered_digest(version):
        msg = f"the SHA-256 of {MODEL_FILE} is not the registered one"
        raise ModelRefusedError(msg)
    predictor = Predictor(content)
    try:
        found = predictor.predict_columns(_SMOKE_ROWS)
    except ModelOutputError as exc:
        msg = f"its smoke prediction failed: {exc}"
        raise ModelRefusedError(msg) from exc
    if not ((found.lower <= found.price) & (found.price <= found.upper)).all():
        msg = "its smoke prediction lies outside its own interval"
        raise ModelRefusedError(msg)
    return predictor


def registered_digest(version: ModelVersion) -> str:
    """Return the SHA-256 that a version's file must have.

    Raises:
        ModelRefusedError: None is registered.
    """
    expected = version.tags.get(Tag.SHA256, "")
    if not _SHA256.fullmatch(expected):
        msg = f"it has no tag {Tag.SHA256} that is a SHA-256"
        raise ModelRefusedError(msg)
    return expected
