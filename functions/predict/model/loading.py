"""Loading of a registered version: download, digest, signature, smoke prediction."""

import hashlib
import logging
import math
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
from housing.schema import FEATURES, SUBJECT
from predict.errors import ModelOutputError, ModelRefusedError
from predict.model.predictor import Predictor

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Two rows, so that a graph that takes one row only does not pass; in the second all is missing that
# may be.
_SMOKE_ROWS = np.array(
    [
        [column.example for column in FEATURES],
        [math.nan if column.optional else column.example for column in FEATURES],
    ]
)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded version; ``stale`` if the alias may name another one now."""

    version: ModelVersion
    predictor: Predictor
    loaded_at: datetime
    stale: bool = False
    reason: str | None = None


class ModelFiles:
    """Model files on the function's disk, by digest; the file of the last loaded version is kept.

    A new process in the same sandbox reads it and need not download it.
    """

    def __init__(self, directory: Path) -> None:
        """Set the directory; it is made when the first file is kept."""
        self._directory = directory

    def find(self, sha256: str) -> bytes | None:
        """Return the file with that digest, or None if it is missing or was changed."""
        try:
            content = self._path(sha256).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def keep(self, sha256: str, content: bytes) -> None:
        """Write a file and remove all others; log a full or read-only disk."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(sha256), content)
            for other in self._directory.iterdir():
                if other != self._path(sha256):
                    other.unlink(missing_ok=True)
        except OSError as exc:
            _LOG.warning("model_file_not_saved", extra={"sha256": sha256, "error": str(exc)})

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
    """Read or download a version's file, check it and load it.

    Args:
        download: Downloads the file; called if no file is kept. Its errors are raised.
        files: Keeps model files on disk.
        version: The version; a tag has the digest of its file.

    Raises:
        ModelRefusedError: Its digest, signature or smoke prediction is wrong.
    """
    if not version.is_ready:
        msg = f"its registration is incomplete: its status is {version.status}"
        raise ModelRefusedError(msg)
    kept = files.find(registered_digest(version))
    try:
        content = download() if kept is None else kept
    except ArtifactDigestError as exc:
        raise ModelRefusedError(str(exc)) from exc
    predictor = check_and_load(content, version)
    if kept is None:
        files.keep(registered_digest(version), content)
    return predictor


def check_and_load(content: bytes, version: ModelVersion) -> Predictor:
    """Check a model file against its registered version, and load it.

    Raises:
        ModelRefusedError: Its digest, signature or smoke prediction is wrong.
    """
    if hashlib.sha256(content).hexdigest() != registered_digest(version):
        msg = f"the SHA-256 of {MODEL_FILE} is not the registered one"
        raise ModelRefusedError(msg)
    predictor = Predictor(content, trees_proof=version.tags.get(Tag.TREES))
    try:
        smoke = predictor.predict_columns(_SMOKE_ROWS)
    except ModelOutputError as exc:
        msg = f"its smoke prediction failed: {exc}"
        raise ModelRefusedError(msg) from exc
    if not ((smoke.lower <= smoke.value) & (smoke.value <= smoke.upper)).all():
        msg = "its smoke prediction is outside its own interval"
        raise ModelRefusedError(msg)
    if SUBJECT.task == "classification" and not ((smoke.value >= 0) & (smoke.value <= 1)).all():
        msg = "its smoke prediction is not a probability"
        raise ModelRefusedError(msg)
    return predictor


def registered_digest(version: ModelVersion) -> str:
    """Return the registered SHA-256 of a version's file.

    Raises:
        ModelRefusedError: The version has none.
    """
    expected = version.tags.get(Tag.SHA256, "")
    if not _SHA256.fullmatch(expected):
        msg = f"it has no tag {Tag.SHA256} that is a SHA-256"
        raise ModelRefusedError(msg)
    return expected
