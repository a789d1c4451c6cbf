"""Answers of a registry, or of what stands in front of it, that are not JSON."""

import pytest

from fakes.http_server import answering, http_server
from housing.errors import RegistryAnswerError
from housing.registry.access import RegistryAccess
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"You are not authenticated. Please see the docs.", "401 .*: You are not authentica"),
        (401, b"", "401 .*: check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, b"Permission denied", "403 .*: Permission denied; the credentials lack a permission"),
        (
            403,
            b"Invalid Host header - possible DNS rebinding",
            "Invalid Host header .*allowed-hosts",
        ),
        (404, b"<!doctype html><title>404</title>", "404 to .*: MLFLOW_TRACKING_URI may lack"),
        (403, b"\x00\x01\xff", "403 to .*: the credentials"),
        (200, b"<html>a proxy's page</html>", "is not JSON: is MLFLOW_TRACKING_URI its address"),
    ],
)
def test_a_refusal_in_plain_text_is_reported_as_what_it_is(
    status: int, body: bytes, says: str
) -> None:
    with http_server(answering(status, body)) as url:
        registry = MlflowModelRegistry(RegistryAccess(url, {}), "housing")

        with pytest.raises(RegistryAnswerError, match=says) as caught:
            registry.version_by_alias(PRODUCTION)

    assert str(caught.value).isprintable()
