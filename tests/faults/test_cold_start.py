"""Without a registry the bucket's copy is served, whatever the network does to one call."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from botocore.config import Config

from fakes.network_faults import ONCE
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from housing.errors import RegistryUnavailableError
from housing.registry.last_promoted import S3LastPromotedModel
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel
from housing.registry.port import PRODUCTION
from housing.schema import FEATURES
from predict.errors import ModelUnavailableError
from predict.model.loading import ModelFiles
from predict.model.store import RegistryModelStore

MODEL = linear_model(bias=2)
ROW = [float(column.example) for column in FEATURES]
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1}, signature_version="s3v4")
"""As in ``housing.s3.client``."""


class ColdStart:
    """The first requests of a process; each looks for a model until there is one."""

    may_raise: tuple[type[Exception], ...] = ()

    def __init__(self, around: Surroundings) -> None:
        live = LiveModel(
            around.registry, Ledger(around.s3, around.bucket), around.s3, around.bucket
        )
        version = around.endpoints.register(around.name, MODEL, {})
        live.keep_copy(version, MODEL)
        live.point_to(version, version.tags)
        self._around = around
        self._prices: list[float] = []

    def act(self) -> None:
        around = self._around
        registry = FakeModelRegistry()
        registry.fails_with = RegistryUnavailableError("down")
        with TemporaryDirectory() as folder:
            store = RegistryModelStore(
                registry,
                ModelFiles(Path(folder)),
                alias=PRODUCTION,
                ttl=timedelta(0),
                last_promoted=S3LastPromotedModel(
                    around.bucket, around.name, client=lambda: around.faulty_s3(ONE_ATTEMPT)
                ),
                budget=timedelta(seconds=20),
            )
            try:
                served = store.current()
            except ModelUnavailableError:  # 503: the next request looks again
                served = store.current()
            self._prices.append(served.predictor.predict_one(ROW).value)

    def check(self, _meeting: Meeting) -> None:
        assert self._prices == [pytest.approx(2 + 0.1 * ROW[0])]


@pytest.mark.parametrize("fault", ONCE)
def test_the_copy_is_served_whole(proved: Prove, fault: str) -> None:
    proved(ColdStart, fault)
