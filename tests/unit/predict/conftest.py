"""The predict function over fakes."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.asgi_client import AsgiClient
from fakes.clock import FakeClock
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from fakes.written_lines import WrittenLines
from housing.registry.port import MODEL_FILE, PRODUCTION, ModelVersion, Tag
from housing.schema import FEATURES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry


@pytest.fixture
def block_group() -> dict[str, float]:
    return {column.name: column.example for column in FEATURES}


@pytest.fixture
def settings(tmp_path: Path) -> PredictSettings:
    return PredictSettings(
        auth="off", stage="test", tracking_uri="http://registry.test", model_dir=tmp_path / "model"
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry() -> FakeModelRegistry:
    return FakeModelRegistry()


@pytest.fixture
def register(registry: FakeModelRegistry) -> Register:
    """Register a version of a model; by default it is promoted and its digest is right."""

    def registered(
        model: bytes | None = None,
        *,
        sha256: str | None = None,
        alias: str | None = PRODUCTION,
        **tags: str,
    ) -> ModelVersion:
        content = linear_model() if model is None else model
        digest = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
        version = registry.register({MODEL_FILE: content}, tags={Tag.SHA256: digest, **tags})
        if alias:
            registry.set_alias(alias, version.version)
        return version

    return registered


@pytest.fixture
def served() -> ServedModel:
    version = ModelVersion(
        name="california-housing",
        version="7",
        run_id="0123456789abcdef0123456789abcdef",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        tags={
            Tag.DATA_SOURCE: "generated",
            Tag.DATASET_ID: "d1",
            Tag.VERDICT: "promoted",
            Tag.VERDICT_REASON: "better by .01",
            f"{Tag.METRIC_PREFIX}rmse": "0.46",
            f"{Tag.METRIC_PREFIX}coverage": "unknown",
            f"{Tag.METRIC_PREFIX}mae": "nan",
        },
        description="# A card",
    )
    return ServedModel(
        version, Predictor(linear_model()), loaded_at=datetime(2026, 11, 2, tzinfo=UTC)
    )


@pytest.fixture
def models(served: ServedModel) -> FakeModelStore:
    return FakeModelStore(served)


@pytest.fixture
def lines() -> WrittenLines:
    return WrittenLines()


@pytest.fixture
def telemetry(lines: WrittenLines) -> Telemetry:
    return Telemetry(lines)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def client(
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
) -> AsgiClient:
    return AsgiClient(create_app(settings, models, telemetry, OpenAccess(), no_changes), loop)
