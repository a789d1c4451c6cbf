"""The function as Lambda calls it: every sample event, its logs and its metrics."""

import asyncio
import base64
import json
import logging
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.dataset import JOB_OF_THE_EVENTS, put_upload
from fakes.entered_files import entered_files
from fakes.function_loggers import forget_loggers
from fakes.jobs import job_status
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry, Register
from housing.api_keys import ApiKeyDocument, Scope, new_key
from housing.errors import RegistryUnavailableError
from housing.jobs.status import JobStore
from housing.metrics import names as metric_names
from housing.registry.port import CHALLENGER
from housing_cli.predictions.log import read_line
from predict import aws_composition, composition, handler
from predict.access.auth import KeyAuthenticator
from predict.scoring.service import ScoringService

EVENTS = Path(__file__).parents[3] / "events"
API_EVENTS = sorted(EVENTS.glob("api-*.json"))
PREDICTING_EVENTS = [
    path
    for path in API_EVENTS
    if ScoringService.takes((event := json.loads(path.read_text()))["httpMethod"], event["path"])
]
CONTEXT: Any = SimpleNamespace(
    function_name="predict",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:predict",
    aws_request_id="8f5069ac-1111-2222-3333-0123456789ab",
)
BUCKET = "housing-test"
OF_THE_ACCOUNT = (
    *("api-alerts", "api-data", "api-jobs", "api-metrics", "api-models", "api-uploads"),
)
MOST_ENTERED_FILES = 12


def sample(name: str) -> dict[str, Any]:
    event = json.loads((EVENTS / f"{name}.json").read_text())
    assert isinstance(event, dict)
    return event


def fresh_process() -> None:
    """Forget what one process of the function keeps."""
    composition.service.cache_clear()
    handler._entry.cache_clear()
    handler._framework.cache_clear()
    forget_loggers("predict")


@pytest.fixture(autouse=True)
def _process(
    registry: FakeModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://registry.test")
    monkeypatch.setenv("HOUSING_AUTH", "off")
    monkeypatch.setenv("HOUSING_MODEL_DIR", str(tmp_path / "model"))
    monkeypatch.setattr(composition, "MlflowModelRegistry", lambda *_, **__: registry)
    fresh_process()
    yield
    used = handler._framework.cache_info().currsize
    fresh_process()
    if used:
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)


@pytest.fixture
def account(
    path: Path, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Have the routes that keep a ledger or read metrics find an account, with a bucket."""
    if not path.name.startswith(OF_THE_ACCOUNT):  # a client takes a second to make
        yield
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOUSING_BUCKET", BUCKET)
    monkeypatch.setattr(aws_composition, "MlflowModelRegistry", lambda *_, **__: registry)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        put_upload(s3, BUCKET, JOB_OF_THE_EVENTS)
        JobStore(s3, BUCKET).create(job_status(JOB_OF_THE_EVENTS))
        put_upload(s3, BUCKET, "aaaa000011112222")
        yield


@pytest.mark.parametrize("path", API_EVENTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("account")
def test_every_sample_event_is_answered_as_its_name_says(path: Path, register: Register) -> None:
    register()
    register()

    answer = handler.lambda_handler(json.loads(path.read_text()), CONTEXT)

    hundred = {".ok": 2, ".bad": 4}[Path(path.stem).suffix]
    assert answer["statusCode"] // 100 == hundred, answer["body"]
    assert answer["isBase64Encoded"] is False
    if hundred == 4:
        assert answer["headers"]["content-type"] == "application/problem+json"
        assert json.loads(answer["body"])["status"] == answer["statusCode"]


@pytest.mark.parametrize("path", [EVENTS / "api-models.ok.json"])
@pytest.mark.usefixtures("account")
def test_the_schedule_audits_the_aliases(
    register: Register, registry: FakeModelRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    register()

    first, second = (handler.lambda_handler(sample("audit-aliases.ok"), CONTEXT) for _ in "12")
    registry.fails_with = RegistryUnavailableError("away")
    away = handler.lambda_handler(sample("audit-aliases.ok"), CONTEXT)

    # The first version's alias is in no entry; an outage is left to the next audit.
    assert [first, second, away] == [{"recorded": 1}, {"recorded": 0}, {"recorded": None}]
    messages = [line.get("message") for line in lines(capsys.readouterr().out)]
    assert messages.count("aliases_audited") == 1
    assert messages.count("aliases_not_audited") == 1


def test_the_stages_prefix_does_not_break_routing(register: Register) -> None:
    register()
    event = sample("api-predict.ok")
    assert event["requestContext"]["path"] == "/dev/predict"

    answer = handler.lambda_handler(event, CONTEXT)

    assert json.loads(answer["body"])["model_version"] == "1"


def test_a_warm_function_serves_a_new_version_after_the_ttl(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_MODEL_TTL_SECONDS", "0")
    register()
    first = handler.lambda_handler(sample("api-predict.ok"), CONTEXT)
    register()
    second = handler.lambda_handler(sample("api-predict.ok"), CONTEXT)

    versions = [answer["headers"]["x-model-version"] for answer in (first, second)]
    assert versions == ["1", "2"]


def test_a_cold_function_without_its_registry_answers_503(registry: FakeModelRegistry) -> None:
    registry.fails_with = RegistryUnavailableError("down")

    answer = handler.lambda_handler(sample("api-predict.ok"), CONTEXT)

    assert answer["statusCode"] == 503
    assert int(answer["headers"]["retry-after"]) >= 1


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_logs_are_json_with_the_requests_id(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    event = sample("api-predict.ok")
    handler.lambda_handler(event, CONTEXT)
    cold = capsys.readouterr().out
    handler.lambda_handler(event, CONTEXT)
    warm = capsys.readouterr().out

    log_lines = [
        line for text in (cold, warm) for line in lines(text) if line.get("message") == "prediction"
    ]
    assert [line["cold_start"] for line in log_lines] == [True, False]
    for line in log_lines:
        assert line["request_id"] == event["requestContext"]["requestId"]
        assert line["function_request_id"] == CONTEXT.aws_request_id
        assert line["features"] == json.loads(event["body"])
        assert line["model_version"] == "1"


def test_the_command_line_reads_the_line_that_is_logged(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    event = sample("api-predict.ok")

    answer = json.loads(handler.lambda_handler(event, CONTEXT)["body"])

    read = [read_line(line) for line in capsys.readouterr().out.splitlines()]
    (prediction_line,) = [line for line in read if line is not None]
    assert prediction_line.request_id == event["requestContext"]["requestId"]
    assert prediction_line.features == json.loads(event["body"])
    assert prediction_line.price == pytest.approx(answer["MedHouseVal"])
    assert prediction_line.interval[0] == pytest.approx(answer["interval_90"]["lower"])
    assert prediction_line.cold_start


def test_metrics_are_written_as_emf_with_the_service_as_only_dimension(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    handler.lambda_handler(sample("api-predict.ok"), CONTEXT)
    cold = capsys.readouterr().out
    handler.lambda_handler(sample("api-predict.ok"), CONTEXT)
    warm = capsys.readouterr().out

    (first,) = [line for line in lines(cold) if "_aws" in line]
    (second,) = [line for line in lines(warm) if "_aws" in line]
    (described,) = first["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == metric_names.NAMESPACE
    assert described["Dimensions"] == [[metric_names.SERVICE_DIMENSION]]
    assert first[metric_names.SERVICE_DIMENSION] == "predict"
    assert first[metric_names.PREDICTION_SUCCESS] == 1
    assert first[metric_names.COLD_START] == 1
    assert second[metric_names.PREDICTION_SUCCESS] == 1
    assert second[metric_names.COLD_START] == 0


def test_a_bad_request_leaves_its_error_in_the_metrics(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    handler.lambda_handler(sample("api-predict-missing-field.bad"), CONTEXT)

    (error_line,) = [line for line in lines(capsys.readouterr().out) if "_aws" in line]
    assert error_line[metric_names.PREDICTION_ERRORS] == 1
    assert metric_names.PREDICTION_SUCCESS not in error_line


def test_the_service_imports_nothing_that_belongs_to_training() -> None:
    heavy = {"mlflow", "pandas", "sklearn", "scipy", "boto3", "onnx", "retrain", "fastapi"}
    code = "import sys, predict.handler; print(*{name.partition('.')[0] for name in sys.modules})"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(ran.stdout.split())
    assert "predict" in loaded
    assert loaded & heavy == set()


def test_importing_the_handler_needs_no_environment() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import predict.handler"], env={}, capture_output=True, check=False
    )

    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def shadowed(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every request compared with a challenger, version 2."""
    monkeypatch.setenv("HOUSING_SHADOW_SHARE", "1")
    monkeypatch.setenv("HOUSING_SHADOW_BUDGET_MS", "1000")
    register(linear_model(bias=1))
    register(linear_model(bias=1.5), alias=CHALLENGER)


def test_by_default_nothing_is_compared(register: Register, registry: FakeModelRegistry) -> None:
    register()

    handler.lambda_handler(sample("api-predict.ok"), CONTEXT)

    assert composition.service().shadow is None
    assert registry.calls.count("version_by_alias") == 1


@pytest.mark.parametrize("path", PREDICTING_EVENTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("shadowed")
def test_every_request_that_predicts_is_answered_alike_with_a_challenger_beside(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = json.loads(path.read_text())
    shadow = composition.service().shadow
    assert shadow is not None
    shadow.prepare()
    beside = handler.lambda_handler(event, CONTEXT)
    logged = [line for line in lines(capsys.readouterr().out) if line.get("message") == "shadow"]
    handler._entry.cache_clear()
    composition.service.cache_clear()
    monkeypatch.setenv("HOUSING_SHADOW_SHARE", "0")
    alone = handler.lambda_handler(event, CONTEXT)

    assert beside == alone
    assert len(logged) == (beside["statusCode"] == 200)
    assert all(line[metric_names.SHADOW_DIFFERENCE] > 0.49 for line in logged)


@pytest.mark.usefixtures("shadowed")
def test_a_snapshot_holds_the_challenger_and_a_restored_process_asks_for_it_again(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    def compared_with() -> list[str]:
        capsys.readouterr()
        handler.lambda_handler(sample("api-predict.ok"), CONTEXT)
        logged = lines(capsys.readouterr().out)
        shadow = [line["challenger_version"] for line in logged if line["message"] == "shadow"]
        return [version.partition("-")[0] for version in shadow]

    handler.before_snapshot()
    before = compared_with()
    register(linear_model(bias=3), alias=CHALLENGER)
    still = compared_with()
    handler.after_restore()
    compared_with()  # begins the look-up
    deadline = time.monotonic() + 10
    while (after := compared_with()) != ["3"] and time.monotonic() < deadline:
        pass

    assert (before, still, after) == (["2"], ["2"], ["3"])


def test_sandboxes_of_one_snapshot_draw_and_pause_differently(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_SHADOW_SHARE", "0.5")
    register()
    handler.before_snapshot()
    snapshot = random.getstate()
    shadow = composition.service().shadow
    assert shadow is not None

    draws = []
    for _ in range(4):
        random.setstate(snapshot)
        handler.after_restore()
        draws.append([shadow._draw() for _ in range(3)])

    assert len({tuple(some) for some in draws}) == 4


def test_a_line_has_the_id_of_its_own_request_and_no_older_ones(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    for name in ("api-ping.ok", "api-predict.ok"):
        event = sample(name)
        event["requestContext"]["requestId"] = name
        handler.lambda_handler(event, CONTEXT)
        logging.getLogger("predict.model").warning("odd", extra={"of": name})

    odd = [line for line in lines(capsys.readouterr().out) if line.get("message") == "odd"]
    assert [line["request_id"] for line in odd] == [line["of"] for line in odd]
    assert len(odd) == 2


def test_without_a_shadow_a_snapshot_holds_the_model_and_a_restored_process_asks_for_it_again(
    register: Register, registry: FakeModelRegistry
) -> None:
    register(linear_model(bias=1))
    handler.before_snapshot()
    asked = registry.calls.count("version_by_alias")
    register(linear_model(bias=3))

    handler.after_restore()
    answer = handler.lambda_handler(sample("api-predict.ok"), CONTEXT)

    assert asked == 1
    assert json.loads(answer["body"])["model_version"] == "2"


def test_a_service_with_keys_is_guarded_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_AUTH", "keys")
    monkeypatch.setenv("HOUSING_API_KEYS", "keys")

    assert isinstance(composition.service().authenticator, KeyAuthenticator)


def test_a_warm_request_enters_few_files(
    register: Register, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever follows a request through the code reads no more than these."""
    key, entry = new_key(Scope.PREDICT)
    monkeypatch.setenv("HOUSING_AUTH", "keys")
    monkeypatch.setenv("HOUSING_API_KEYS", "keys")
    monkeypatch.setattr(composition, "StoredKeys", lambda _: lambda: ApiKeyDocument(keys=(entry,)))
    register()
    event = sample("api-predict.ok")
    event["headers"]["x-api-key"] = key
    handler.lambda_handler(event, CONTEXT)

    with entered_files() as entered:
        answer = handler.lambda_handler(event, CONTEXT)

    with capsys.disabled():
        print(f"\na warm POST /predict: {entered}")  # noqa: T201 - the list is what it is for
    assert answer["statusCode"] == 200
    assert {"functions/predict/handler.py", "functions/predict/model/predictor.py"} <= set(
        entered.calls
    )
    assert len(entered) <= MOST_ENTERED_FILES


def test_log_lines_of_the_shared_package_have_the_functions_form(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    handler.lambda_handler(sample("api-predict.ok"), CONTEXT)
    capsys.readouterr()

    logging.getLogger("housing.s3.lease").info("lease_taken", extra={"holder": "job 1"})

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["message"], line["holder"], line["service"]) == ("lease_taken", "job 1", "predict")


def on_a_custom_domain(event: dict[str, Any], base: str) -> dict[str, Any]:
    """Return an event as a base path mapping of a custom domain sends it."""
    path = event["path"]
    return event | {
        "path": base + path,
        "requestContext": event["requestContext"] | {"path": base + path},
    }


@pytest.mark.parametrize("base", ["/v1", "/housing", "/a/b", "/predict", "/health"])
@pytest.mark.parametrize("name", ["api-predict.ok", "api-batch-csv.ok", "api-health.ok"])
def test_a_base_path_of_a_custom_domain_does_not_break_routing(
    register: Register, base: str, name: str
) -> None:
    register()
    event = sample(name)

    answer = handler.lambda_handler(on_a_custom_domain(event, base), CONTEXT)

    assert answer["body"] == handler.lambda_handler(event, CONTEXT)["body"]


@pytest.mark.parametrize("name", ["api-predict.ok", "api-model.ok", "api-version.ok"])
def test_a_trailing_slash_is_no_redirect(register: Register, name: str) -> None:
    register()
    event = sample(name)
    slashed = event | {"path": event["path"] + "/"}
    slashed["pathParameters"] = {"proxy": slashed["path"][1:]}

    answer = handler.lambda_handler(slashed, CONTEXT)

    assert answer["statusCode"] == 200
    assert answer["body"] == handler.lambda_handler(event, CONTEXT)["body"]


@pytest.mark.parametrize("base", ["", "/v1"])
def test_a_key_that_may_not_change_models_may_not_on_a_custom_domain(
    register: Register, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    register()
    monkeypatch.setenv("HOUSING_AUTH", "keys")
    monkeypatch.setenv("HOUSING_API_KEYS", "keys")
    key, entry = new_key(Scope.PREDICT)
    monkeypatch.setattr(composition, "StoredKeys", lambda _: lambda: ApiKeyDocument(keys=(entry,)))
    event = on_a_custom_domain(sample("api-models-rollback.ok"), base)
    event["headers"]["x-api-key"] = key
    event["multiValueHeaders"]["x-api-key"] = [key]
    event["path"] += "/"
    event["pathParameters"] = {"proxy": f"{event['pathParameters']['proxy']}/"}

    assert handler.lambda_handler(event, CONTEXT)["statusCode"] == 403


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("/models/{proxy+}", "/models/%72ollback"),
        ("/models/{proxy+}", "/models/rollback%2F"),
        ("/models/{proxy+}", "/models//rollback"),
        ("/models/{proxy+}", "/models/./rollback"),
        ("/models/{proxy+}", "/models/rollback;a=b"),
        ("/{proxy+}", "/%6Dodels/rollback"),
        ("/{proxy+}", "//models/rollback"),
        ("/{proxy+}", "/x/../models/rollback"),
        ("/{proxy+}", "/MODELS/rollback"),
        ("/{proxy+}", "/predict/../models/rollback"),
    ],
)
def test_an_admins_path_in_disguise_lets_no_other_key_in(
    register: Register, monkeypatch: pytest.MonkeyPatch, resource: str, path: str
) -> None:
    """What API Gateway decodes of a path before it chooses a resource is written nowhere."""
    register()
    monkeypatch.setenv("HOUSING_AUTH", "keys")
    monkeypatch.setenv("HOUSING_API_KEYS", "keys")
    key, entry = new_key(Scope.PREDICT)
    monkeypatch.setattr(composition, "StoredKeys", lambda _: lambda: ApiKeyDocument(keys=(entry,)))
    event = sample("api-models-rollback.ok") | {"resource": resource, "path": path}
    event["pathParameters"] = {"proxy": path.removeprefix(resource.removesuffix("{proxy+}"))}
    event["headers"]["x-api-key"] = key
    event["multiValueHeaders"]["x-api-key"] = [key]

    assert handler.lambda_handler(event, CONTEXT)["statusCode"] in (403, 404, 405)


@pytest.mark.parametrize("path", [EVENTS / "api-models.ok.json"])
@pytest.mark.usefixtures("account")
def test_of_a_query_and_a_header_that_are_given_twice_the_last_counts(
    register: Register, path: Path
) -> None:
    register()
    register()
    event = json.loads(path.read_text()) | {
        "queryStringParameters": {"limit": "1"},
        "multiValueQueryStringParameters": {"limit": ["5", "1"]},
    }
    event["multiValueHeaders"]["Accept"] = ["text/html", "*/*"]

    answer = handler.lambda_handler(event, CONTEXT)

    assert answer["statusCode"] == 200, answer["body"]
    assert len(json.loads(answer["body"])["versions"]) == 1


@pytest.mark.parametrize("path", [EVENTS / "api-models-resume.ok.json"])
@pytest.mark.usefixtures("account")
def test_a_body_in_base64_is_read_on_an_admins_route_too(path: Path) -> None:
    """Media types that an API takes for binary arrive so, whatever is in them."""
    event = json.loads(path.read_text())
    encoded = base64.b64encode(event["body"].encode()).decode()

    answer = handler.lambda_handler(event | {"body": encoded, "isBase64Encoded": True}, CONTEXT)

    assert answer["statusCode"] == 200, answer["body"]


@pytest.mark.parametrize(
    "event",
    [
        {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
        {"key1": "value1", "key2": "value2", "key3": "value3"},
        {"httpMethod": "GET"},
        {"requestContext": None, "resource": "/"},
        {"Records": [{"eventSource": "aws:s3"}]},
        {},
        [],
        "warm",
        None,
    ],
)
def test_an_event_that_is_no_request_keeps_warm_and_is_no_error(
    register: Register, event: Any
) -> None:
    register()

    answer = handler.lambda_handler(event, CONTEXT)

    assert answer == {"ignored": "not a request of API Gateway", "model_version": "1"}
    assert handler._framework.cache_info().currsize == 0


def test_a_test_event_without_a_model_is_no_error(registry: FakeModelRegistry) -> None:
    registry.fails_with = RegistryUnavailableError("down")

    assert handler.lambda_handler({}, CONTEXT)["model_version"] is None


@pytest.mark.parametrize("name", ["api-predict.ok", "api-model.ok", "api-predict-nan.bad"])
def test_every_answer_names_the_origin_that_may_read_it(
    register: Register, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    monkeypatch.setenv("HOUSING_CORS_ORIGIN", "https://example.org")

    answer = handler.lambda_handler(sample(name), CONTEXT)

    headers = {**answer["headers"], **answer.get("multiValueHeaders", {})}
    assert headers["access-control-allow-origin"] == "https://example.org"


def test_head_and_options_are_answered_through_the_gateway(register: Register) -> None:
    register()
    event = sample("api-health.ok")
    proxied = sample("api-predict.ok") | {"httpMethod": "OPTIONS", "body": None}

    head = handler.lambda_handler(event | {"httpMethod": "HEAD"}, CONTEXT)
    options = handler.lambda_handler(proxied, CONTEXT)

    assert (head["statusCode"], head["body"]) == (200, "")
    assert (options["statusCode"], options["body"]) == (204, "")
    assert "POST" in options["headers"]["allow"]


@pytest.mark.parametrize("path", ["/predict", "/predict/"])
def test_events_of_a_load_balancer_and_of_an_http_api_are_requests_too(
    register: Register, path: str
) -> None:
    register()
    event = sample("api-predict.ok")
    target = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"
    balancer = {
        "requestContext": {"elb": {"targetGroupArn": target}},
        "httpMethod": "POST",
        "path": path,
        "queryStringParameters": {},
        "headers": {"content-type": "application/json"},
        "body": event["body"],
        "isBase64Encoded": False,
    }
    http_api = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "203.0.113.7"}},
        "body": event["body"],
        "isBase64Encoded": False,
    }

    answers = [handler.lambda_handler(one, CONTEXT) for one in (event, balancer, http_api)]

    assert [answer["statusCode"] for answer in answers] == [200, 200, 200]
    assert len({answer["body"] for answer in answers}) == 1
