"""From a registered version to a predictor that has proved itself."""

import hashlib
import re

from housing.registry import MODEL_FILE, ModelRegistry, ModelVersion, Tag
from housing.schema import FEATURES
from predict.errors import ModelOutputError, ModelRefusedError
from predict.model_files import ModelFiles
from predict.predictor import Predictor

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Two rows, so that a graph that takes one row only does not pass.
_SMOKE_ROWS = [[column.example for column in FEATURES]] * 2


def load_predictor(registry: ModelRegistry, files: ModelFiles, version: ModelVersion) -> Predictor:
    """Fetch a version's model, check it and load it.

    Raises:
        ModelRefusedError: Its digest, signature or smoke prediction is wrong.
        RegistryError: Its file cannot be had.
    """
    predictor = Predictor(_verified_file(registry, files, version))
    try:
        predictions = predictor.predict(_SMOKE_ROWS)
    except ModelOutputError as exc:
        msg = f"its smoke prediction failed: {exc}"
        raise ModelRefusedError(msg) from exc
    if not all(found.lower <= found.price <= found.upper for found in predictions):
        msg = "its smoke prediction lies outside its own interval"
        raise ModelRefusedError(msg)
    return predictor


def _verified_file(registry: ModelRegistry, files: ModelFiles, version: ModelVersion) -> bytes:
    expected = version.tags.get(Tag.SHA256, "")
    if not _SHA256.fullmatch(expected):
        msg = f"it has no tag {Tag.SHA256} that is a SHA-256"
        raise ModelRefusedError(msg)
    kept = files.find(expected)
    if kept is not None:
        return kept
    content = registry.download(version.version, MODEL_FILE)
    if hashlib.sha256(content).hexdigest() != expected:
        msg = f"the SHA-256 of {MODEL_FILE} is not the registered one"
        raise ModelRefusedError(msg)
    files.keep(expected, content)
    return content
