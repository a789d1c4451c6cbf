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
from housing.registry.port import ModelVersion, Tag
from predict.access.auth import KeyAuthenticator
from predict.composition import Service
from predict.http.app import application
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.scoring.service import ScoringService
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry


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


def service(graph: Path) -> Service:
    """Put the service together over a model file and the key ``BENCH_KEY``."""
    settings = PredictSettings(tracking_uri="http://127.0.0.1:1", api_keys="bench", stage="bench")
    models = FileStore(graph)
    telemetry = Telemetry(logged_per_second=settings.logged_predictions_per_second)
    door = KeyAuthenticator(_keys, ttl_seconds=settings.api_keys_ttl_seconds)
    lane = ScoringService(models, telemetry, door, max_rows=settings.max_batch_rows)
    return Service(settings, models, telemetry, door, lane, close_connections=lambda: None)


def create_app() -> FastAPI:
    """Build the application over the file ``BENCH_MODEL``."""
    return application(service(Path(os.environ["BENCH_MODEL"])))


def _keys() -> ApiKeyDocument:
    entry = ApiKey(
        id="bench",
        scopes=frozenset({Scope.PREDICT}),
        sha256=digest(os.environ["BENCH_KEY"]),
        created_at=datetime.now(UTC),
    )
    return ApiKeyDocument(keys=(entry,))
