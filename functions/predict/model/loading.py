"""From a registered version to a predictor that has proved itself."""

import hashlib
import re
from collections.abc import Callable

import numpy as np

from housing.errors import ArtifactDigestError
from housing.registry.port import MODEL_FILE, ModelVersion, Tag
from housing.schema import FEATURES
from predict.errors import ModelOutputError, ModelRefusedError
from predict.model.files import ModelFiles
from predict.model.predictor import Predictor

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Two rows, so that a graph that takes one row only does not pass.
_SMOKE_ROWS = np.array([[column.example for column in FEATURES]] * 2)


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
