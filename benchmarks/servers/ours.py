"""The service as it is: validation, keys, interval, warnings, log line and metrics on.

Only two ends are not the real ones: the model comes from a file and the keys from a variable, in
place of the registry and Secrets Manager, which a warm process asks every 30 and 60 seconds.
"""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from housing.api_keys import ApiKey, ApiKeyDocument, Scope, digest
from housing.registry import ModelVersion, Tag
from predict.app import create_app as create_service
from predict.auth import KeyAuthenticator
from predict.errors import StoreUnavailableError
from predict.model_changes import ModelChanges
from predict.predictor import Predictor
from predict.served_model import ServedModel
from predict.settings import PredictSettings
from predict.telemetry import Telemetry


class FileStore:
    """The model store of one file."""

    def __init__(self, path: Path) -> None:
        """Load the file."""
        content = path.read_bytes()
        now = datetime.now(UTC)
        tags = {Tag.SHA256: hashlib.sha256(content).hexdigest()}
        version = ModelVersion("california-housing", "1", "run", now, tags)
        self._served = ServedModel(version, Predictor(content), now)

    def is_due(self) -> bool:
        """See ``ModelStore.is_due``."""
        return False

    def recheck(self) -> None:
        """See ``ModelStore.recheck``."""

    def current(self) -> ServedModel:
        """See ``ModelStore.current``."""
        return self._served


def settings() -> PredictSettings:
    """Return the settings that a deployment has by default."""
    return PredictSettings(tracking_uri="http://127.0.0.1:1", api_keys="bench", stage="bench")


def telemetry(found: PredictSettings) -> Telemetry:
    """Return the telemetry of a deployment, to standard output."""
    return Telemetry(logged_per_second=found.logged_predictions_per_second)


def door(found: PredictSettings) -> KeyAuthenticator:
    """Return the check of keys over the one key ``BENCH_KEY``."""
    entry = ApiKey(
        id="bench",
        scopes=frozenset({Scope.PREDICT}),
        sha256=digest(os.environ["BENCH_KEY"]),
        created_at=datetime.now(UTC),
    )
    document = ApiKeyDocument(keys=(entry,))
    return KeyAuthenticator(lambda: document, ttl_seconds=found.api_keys_ttl_seconds)


def create_app() -> FastAPI:
    """Build the application over the file ``BENCH_MODEL`` and the key ``BENCH_KEY``."""
    found = settings()
    models = FileStore(Path(os.environ["BENCH_MODEL"]))
    return create_service(found, models, telemetry(found), door(found), _no_changes)


def _no_changes() -> ModelChanges:
    msg = "not in a benchmark"
    raise StoreUnavailableError(msg, retry_after_seconds=60)
