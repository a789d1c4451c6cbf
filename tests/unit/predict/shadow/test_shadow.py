"""A challenger beside the answer: what is told of it, and that the answer knows nothing of it."""

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from fakes.written_lines import WrittenLines
from housing.metrics import names
from housing.registry.port import CHALLENGER, Tag
from housing.schema import FEATURE_NAMES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.messages import Request, Response
from predict.model.loading import ModelFiles, ServedModel
from predict.scoring.service import ScoringService
from predict.settings import PredictSettings
from predict.shadow.challenger import Challenger, ChallengerStore
from predict.shadow.shadow import Shadow
from predict.telemetry.telemetry import Telemetry

BUDGET_SECONDS = 0.5
ROOM_SECONDS = 0.4
"""What a machine that is busy with other things may add."""
BOUND_SECONDS = 10


class Stand:
    """A service with a shadow, and one without."""

    def __init__(self, shadow: Shadow, store: ChallengerStore, models: FakeModelStore) -> None:
        self.store = store
        self.lines = WrittenLines()
        telemetry_of_lines, door = Telemetry(self.lines), OpenAccess()
        self.shadow = shadow
        shadow._telemetry = telemetry_of_lines
        self._scoring = ScoringService(
            models, telemetry_of_lines, door, max_rows=5_000, shadow=shadow.compare
        )
        quiet = Telemetry(WrittenLines())
        self._plain = ScoringService(models, quiet, door, max_rows=5_000)

    def respond(self, request: Request) -> Response:
        """Answer with the shadow; the answer is the one that there is without."""
        answer = self._scoring.respond(request)
        assert answer == self._plain.respond(request)
        return answer

    def shadow_lines(self) -> list[dict[str, Any]]:
        """Return what was told of comparisons."""
        return self.lines.named("shadow")

    def replace_predictor(self, predictor: object) -> Challenger:
        """Have the loaded challenger priced by something else."""
        challenger = self.store.current()
        assert challenger is not None
        challenger.served = replace(challenger.served, predictor=predictor)  # type: ignore[arg-type]
        return challenger


class Hanging:
    """A predictor that answers when it is let go on."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.asked = 0

    def predict_columns(self, _: object) -> object:
        self.asked += 1
        self.goes_on.wait(BOUND_SECONDS)
        raise RuntimeError


class Raising:
    """A predictor that raises."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def predict_columns(self, _: object) -> object:
        raise self._error


@pytest.fixture
def draws() -> list[float]:
    """Give the numbers that are drawn; without any, every request is compared."""
    return []


@pytest.fixture
def stand(
    registry: FakeModelRegistry, models: FakeModelStore, tmp_path: Path, draws: list[float]
) -> Stand:
    store = ChallengerStore(registry, ModelFiles(tmp_path), ttl=timedelta(days=1))
    shadow = Shadow(
        store,
        Telemetry(WrittenLines()),
        share=0.5,
        budget_seconds=BUDGET_SECONDS,
        draw=lambda: draws.pop(0) if draws else 0.0,
    )
    return Stand(shadow, store, models)


@pytest.fixture
def challenge(stand: Stand, register: Register) -> Callable[[bytes], None]:
    """Make a model the challenger, and load it."""

    def challenged(model: bytes) -> None:
        register(model, alias=CHALLENGER)
        stand.store.load(BOUND_SECONDS)

    return challenged


def one(block_group: dict[str, float]) -> Request:
    return Request(
        "POST", "/predict", "application/json", json.dumps(block_group).encode(), None, "r"
    )


def many(block_group: dict[str, float], incomes: list[float]) -> Request:
    body = json.dumps({"instances": [{**block_group, "MedInc": income} for income in incomes]})
    return Request("POST", "/predict/batch", "application/json", body.encode(), None, "r")


def until_told(lines: WrittenLines) -> list[dict[str, Any]]:
    deadline = time.monotonic() + BOUND_SECONDS
    while not (shadow_lines := lines.named("shadow")) and time.monotonic() < deadline:
        time.sleep(0.01)
    return shadow_lines


def test_the_line_of_a_comparison_is_its_metrics_by_service_and_by_version(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model(bias=1.25))

    stand.respond(one(block_group))

    (line,) = stand.shadow_lines()
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == names.NAMESPACE
    assert described["Dimensions"] == [["service"], ["service", "challenger_version"]]
    digest = hashlib.sha256(linear_model(bias=1.25)).hexdigest()
    assert (line["service"], line["challenger_version"]) == ("predict", f"1-{digest[:12]}")
    assert (line["model_version"], line["request_id"], line["rows"]) == ("7", "r", 1)
    metrics = {metric["Name"]: line[metric["Name"]] for metric in described["Metrics"]}
    assert metrics.pop(names.SHADOW_LATENCY) > 0
    assert metrics == {
        names.SHADOW_REQUESTS: 1,
        names.SHADOW_ERRORS: 0,
        names.SHADOW_TIMED_OUT: 0,
        names.SHADOW_DIFFERENCE: pytest.approx(0.25, abs=1e-6),
        names.SHADOW_DIFFERENCE_WORST: pytest.approx(0.25, abs=1e-6),
    }
    ((answered, challenging),) = line["prices"]
    assert challenging - answered == pytest.approx(0.25, abs=1e-6)


def test_a_batch_is_compared_as_a_whole_and_a_few_prices_are_logged(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model(bias=1, income_weight=0.2))
    incomes = np.linspace(1, 9, 101).tolist()

    stand.respond(many(block_group, incomes))

    (line,) = stand.shadow_lines()
    assert line["rows"] == 101
    assert line[names.SHADOW_DIFFERENCE] == pytest.approx(0.5, abs=1e-5)
    assert line[names.SHADOW_DIFFERENCE_WORST] == pytest.approx(0.9, abs=1e-5)
    assert len(line["prices"]) == 10
    assert line["prices"][-1] == pytest.approx([1.9, 2.8], abs=1e-5)


def test_mlflows_protocol_is_compared_too(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model(bias=2))
    body = {"dataframe_split": {"columns": list(FEATURE_NAMES), "data": [[*block_group.values()]]}}

    call = Request("POST", "/invocations", "application/json", json.dumps(body).encode())
    stand.respond(call)

    (line,) = stand.shadow_lines()
    assert line[names.SHADOW_DIFFERENCE] == pytest.approx(1, abs=1e-6)


def test_only_the_share_is_compared(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    draws: list[float],
) -> None:
    challenge(linear_model())
    draws += [0.7, 0.49, 0.5]

    compared = []
    for _ in range(3):
        stand.respond(one(block_group))
        compared.append(len(stand.shadow_lines()))

    assert compared == [0, 1, 1]


def test_refused_requests_are_not_compared(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model())

    assert stand.respond(one({**block_group, "MedInc": -1})).status == 422

    assert stand.shadow_lines() == []


def test_without_a_challenger_nothing_is_logged(
    stand: Stand, block_group: dict[str, float]
) -> None:
    stand.store.load(BOUND_SECONDS)

    stand.respond(one(block_group))

    assert stand.shadow_lines() == []


def test_the_version_in_production_is_not_compared_with_itself(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    models: FakeModelStore,
    served: ServedModel,
) -> None:
    challenge(linear_model(bias=2))
    tags = {Tag.SHA256: hashlib.sha256(linear_model(bias=2)).hexdigest()}
    models.served = replace(served, version=replace(served.version, version="1", tags=tags))

    stand.respond(one(block_group))

    assert stand.shadow_lines() == []


def test_a_version_of_the_same_number_and_another_digest_is_compared(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    models: FakeModelStore,
    served: ServedModel,
) -> None:
    challenge(linear_model(bias=2))
    tags = {Tag.SHA256: "0" * 64}  # a copy, of before the registry was rebuilt
    models.served = replace(served, version=replace(served.version, version="1", tags=tags))

    stand.respond(one(block_group))

    assert len(stand.shadow_lines()) == 1


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    predictor = Hanging()
    yield predictor
    predictor.goes_on.set()


def test_a_challenger_that_hangs_costs_one_request_the_budget_and_the_next_ones_nothing(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    hanging: Hanging,
) -> None:
    challenge(linear_model())
    stand.replace_predictor(hanging)
    started = time.monotonic()

    stand.respond(one(block_group))
    first_seconds = time.monotonic() - started
    for _ in range(20):
        stand.respond(one(block_group))

    assert first_seconds < BUDGET_SECONDS + ROOM_SECONDS
    assert time.monotonic() - started < BUDGET_SECONDS + ROOM_SECONDS + 0.5
    assert hanging.asked == 1
    (line,) = stand.shadow_lines()
    assert (line["error"], line[names.SHADOW_TIMED_OUT]) == ("timed_out", 1)
    assert (line[names.SHADOW_ERRORS], line[names.SHADOW_REQUESTS]) == (0, 1)
    assert names.SHADOW_DIFFERENCE not in stand.lines.metrics()


def test_a_late_result_is_dropped_and_the_next_request_is_compared_again(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    hanging: Hanging,
) -> None:
    challenge(linear_model())
    challenger = stand.store.current()
    assert challenger is not None
    real = challenger.served
    stand.replace_predictor(hanging)
    stand.respond(one(block_group))
    hanging.goes_on.set()
    while not challenger._workers._idle:  # it comes back a moment later
        time.sleep(0.001)

    challenger.served = real
    stand.respond(one(block_group))

    assert [line.get("error") for line in stand.shadow_lines()] == ["timed_out", None]


@pytest.mark.parametrize("error", [ValueError(), MemoryError(), SystemExit(1), TimeoutError()])
def test_every_exception_of_a_challenger_is_counted_and_suppressed(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    error: BaseException,
) -> None:
    challenge(linear_model())
    stand.replace_predictor(Raising(error))

    assert stand.respond(one(block_group)).status == 200

    (line,) = stand.shadow_lines()
    assert line["error"] == type(error).__name__
    assert (line[names.SHADOW_ERRORS], line[names.SHADOW_TIMED_OUT]) == (1, 0)


def test_a_challenger_that_answers_no_number_is_an_error(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model(income_weight=3e37))  # infinite above an income of 11

    assert stand.respond(many(block_group, [1.0, 15.0])).status == 200

    (line,) = stand.shadow_lines()
    assert (line["error"], line[names.SHADOW_ERRORS]) == ("ModelOutputError", 1)


def test_a_telemetry_that_fails_does_not_fail_the_request(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    challenge(linear_model())
    monkeypatch.delattr(Telemetry, "log_comparison")

    assert stand.respond(one(block_group)).status == 200


def test_a_store_that_fails_is_counted(
    stand: Stand, block_group: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError

    monkeypatch.setattr(stand.store, "current", fail)

    assert stand.respond(one(block_group)).status == 200

    (line,) = stand.shadow_lines()
    assert (line["error"], line["challenger_version"]) == ("OSError", "unknown")


def test_a_batch_that_will_not_be_done_in_time_is_not_begun(
    stand: Stand, challenge: Callable[[bytes], None], block_group: dict[str, float]
) -> None:
    challenge(linear_model())
    challenger = stand.replace_predictor(Raising(AssertionError()))
    challenger.seconds_per_row = BUDGET_SECONDS / 50

    stand.respond(many(block_group, [3.0] * 60))
    assert stand.shadow_lines() == []
    stand.respond(many(block_group, [3.0] * 40))

    assert len(stand.shadow_lines()) == 1


@pytest.fixture
def application(
    stand: Stand,
    settings: PredictSettings,
    models: FakeModelStore,
    loop: asyncio.AbstractEventLoop,
) -> AsgiClient:
    telemetry_of_lines = Telemetry(stand.lines)
    app = create_app(settings, models, telemetry_of_lines, OpenAccess(), no_changes, stand.shadow)
    return AsgiClient(app, loop)


def test_under_a_server_requests_are_compared_as_well_and_answered_alike(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    application: AsgiClient,
    client: AsgiClient,
) -> None:
    challenge(linear_model(bias=1.5))

    compared = application.post_json("/predict", block_group)
    plain = client.post_json("/predict", block_group)

    (line,) = until_told(stand.lines)
    assert line[names.SHADOW_DIFFERENCE] == pytest.approx(0.5, abs=1e-6)
    assert (compared.status_code, compared.content) == (plain.status_code, plain.content)
    assert compared.headers == plain.headers


def test_under_a_server_no_request_waits_for_a_challenger_that_hangs(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    application: AsgiClient,
    hanging: Hanging,
) -> None:
    challenge(linear_model())
    stand.replace_predictor(hanging)
    stand.shadow._budget_seconds = BOUND_SECONDS / 2
    started = time.monotonic()

    answers = [application.post_json("/predict", block_group) for _ in range(5)]

    assert time.monotonic() - started < BOUND_SECONDS / 2
    assert [answer.status_code for answer in answers] == [200] * 5
    hanging.goes_on.set()
    (line,) = until_told(stand.lines)
    assert line["error"] == "RuntimeError"


def test_under_a_server_a_challenger_that_hangs_is_counted_without_having_come_back(
    stand: Stand,
    challenge: Callable[[bytes], None],
    block_group: dict[str, float],
    application: AsgiClient,
    hanging: Hanging,
) -> None:
    challenge(linear_model())
    stand.replace_predictor(hanging)

    application.post_json("/predict", block_group)

    (line,) = until_told(stand.lines)
    assert line[names.SHADOW_TIMED_OUT] == 1
    assert not hanging.goes_on.is_set()
