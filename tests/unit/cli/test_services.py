"""The clients that the commands work with."""

from typing import Any

import pytest

from housing_cli.errors import MissingSettingError
from housing_cli.services import registry_access, s3_client
from housing_cli.settings import Settings


def test_no_wait_for_the_object_store_is_unbounded() -> None:
    config: Any = s3_client(Settings()).meta.config

    assert config.connect_timeout == 5
    assert config.read_timeout == 30
    assert config.retries["total_max_attempts"] == 2


def test_at_an_endpoint_of_ones_own_the_bucket_stands_in_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    s3 = s3_client(Settings())

    url = s3.generate_presigned_url("get_object", Params={"Bucket": "one", "Key": "two"})

    assert url.startswith("http://localhost:4566/one/two?X-Amz-Algorithm=AWS4-HMAC-SHA256")


def test_the_registry_is_asked_with_mlflows_usual_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")

    access = registry_access("http://mlflow.test")

    assert (access.url, access.headers) == ("http://mlflow.test", {"Authorization": "Bearer t0ken"})


def test_an_invalid_registry_address_is_an_error_with_the_address() -> None:
    with pytest.raises(MissingSettingError, match=r"arn:aws:s3:::b is not valid: .*ARN of a"):
        registry_access("arn:aws:s3:::b")


def test_temporary_credentials_are_used_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-1")
    s3 = s3_client(Settings())

    url = s3.generate_presigned_url("get_object", Params={"Bucket": "one", "Key": "two"})

    assert "X-Amz-Security-Token=session-1" in url
