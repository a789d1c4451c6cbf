"""A model file is the registered one or an error."""

import hashlib
from collections.abc import Callable

import pytest

from fakes.registry import FakeModelRegistry
from housing.errors import ArtifactDigestError, ArtifactError, VersionChangedError
from housing.registry.port import MODEL_FILE, ModelVersion, Tag, download_model

MODEL = b"a model"


@pytest.fixture
def registry() -> FakeModelRegistry:
    return FakeModelRegistry()


def register(registry: FakeModelRegistry, model: bytes = MODEL) -> ModelVersion:
    tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
    return registry.register({MODEL_FILE: model}, tags=tags)


def served(registry: FakeModelRegistry, *contents: bytes) -> Callable[[str, str], bytes]:
    """Return a download that serves these, and then what is registered."""
    left, real = list(contents), registry.download
    return lambda version, path: left.pop(0) if left else real(version, path)


def test_a_file_is_returned_that_has_the_registered_digest(registry: FakeModelRegistry) -> None:
    assert download_model(registry, register(registry)) == MODEL
    assert registry.calls == ["download"]


def test_a_file_that_was_cut_is_downloaded_again(
    registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(registry)
    monkeypatch.setattr(registry, "download", served(registry, MODEL[:-1]))

    assert download_model(registry, version) == MODEL


def test_another_file_than_the_registered_one_is_an_error(registry: FakeModelRegistry) -> None:
    version = register(registry)
    registry.replace_file("1", MODEL_FILE, b"another")

    with pytest.raises(ArtifactDigestError, match="SHA-256 of version 1's "):
        download_model(registry, version)


def test_a_number_that_stands_for_another_model_is_not_taken_for_a_bad_file(
    registry: FakeModelRegistry,
) -> None:
    version = register(registry)
    registry.rebuild()
    register(registry, b"another")

    with pytest.raises(VersionChangedError, match="the registry was rebuilt"):
        download_model(registry, version)


def test_of_a_version_without_a_digest_any_file_is_returned(registry: FakeModelRegistry) -> None:
    assert download_model(registry, registry.register({MODEL_FILE: b"any"})) == b"any"


def test_a_file_that_is_not_there_is_an_artifact_error(registry: FakeModelRegistry) -> None:
    with pytest.raises(ArtifactError):
        download_model(registry, registry.register({}, tags={Tag.SHA256: "a" * 64}))
