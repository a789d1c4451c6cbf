"""Settings come from the environment, and a wrong one stops the function at its start."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from predict.settings import PredictSettings

URI = "http://127.0.0.1:5000"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PredictSettings.model_fields:
        monkeypatch.delenv(f"HOUSING_{name.upper()}", raising=False)
    for name in ("URI", "TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


def test_only_the_tracking_server_and_the_keys_must_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    monkeypatch.setenv("HOUSING_API_KEYS", "a-secret")

    settings = PredictSettings()

    assert (settings.stage, settings.model_name, settings.model_alias, settings.tracking_uri) == (
        "dev",
        "california-housing",
        "production",
        URI,
    )
    assert (settings.model_ttl_seconds, settings.registry_timeout_seconds) == (30, 2)
    assert settings.bucket is None
    assert (settings.auth, settings.api_keys, settings.api_keys_ttl_seconds) == (
        "keys",
        "a-secret",
        60,
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "HOUSING_API_KEYS is not set"),
        ({"HOUSING_AUTH": "off", "HOUSING_STAGE": "prod"}, "refused in the stage prod"),
        ({"HOUSING_AUTH": "off", "HOUSING_API_KEYS": "a-secret"}, "contradict each other"),
        ({"HOUSING_AUTH": "none", "HOUSING_API_KEYS": "a-secret"}, "'keys' or 'off'"),
    ],
)
def test_a_service_without_authentication_does_not_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=said):
        PredictSettings()


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    monkeypatch.setenv("HOUSING_STAGE", "prod")
    monkeypatch.setenv("HOUSING_MODEL_NAME", "other")
    monkeypatch.setenv("HOUSING_MODEL_ALIAS", "challenger")
    monkeypatch.setenv("HOUSING_MODEL_TTL_SECONDS", "0")
    monkeypatch.setenv("HOUSING_REGISTRY_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("HOUSING_BUCKET", "a-bucket")
    monkeypatch.setenv("HOUSING_API_KEYS", "a-secret")
    monkeypatch.setenv("HOUSING_API_KEYS_TTL_SECONDS", "5")
    monkeypatch.setenv("HOUSING_MODEL_DIR", "elsewhere")

    settings = PredictSettings()

    assert (settings.stage, settings.model_name, settings.model_alias) == (
        "prod",
        "other",
        "challenger",
    )
    assert (settings.model_ttl_seconds, settings.registry_timeout_seconds) == (0, 0.5)
    assert (settings.api_keys, settings.api_keys_ttl_seconds) == ("a-secret", 5)
    assert (settings.bucket, settings.model_dir) == ("a-bucket", Path("elsewhere"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_TRACKING_URI", ""),
        ("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
        ("HOUSING_MODEL_TTL_SECONDS", "-1"),
        ("HOUSING_MODEL_TTL_SECONDS", "soon"),
        ("HOUSING_REGISTRY_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_wrong_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError):
        PredictSettings()


def test_no_credentials_mean_no_header() -> None:
    assert PredictSettings(auth="off", tracking_uri=URI).registry_access().headers == {}


def test_a_token_becomes_a_bearer_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")

    headers = PredictSettings(auth="off", tracking_uri=URI).registry_access().headers

    assert headers == {"Authorization": "Bearer t0ken"}


def test_user_and_password_win_over_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "Aladdin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "open sesame")

    headers = PredictSettings(auth="off", tracking_uri=URI).registry_access().headers

    assert headers == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}  # as in RFC 7617


def test_secrets_are_not_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")

    assert "t0ken" not in repr(PredictSettings(auth="off", tracking_uri=URI))
