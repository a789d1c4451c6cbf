"""The model registry as a port: versions of one model, their aliases and files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from housing.errors import ArtifactDigestError, ArtifactError, VersionChangedError

PRODUCTION = "production"
PREVIOUS = "previous"
CHALLENGER = "challenger"

MODEL_FILE = "model.onnx"
READY = "READY"
"""Status of a version whose registration has ended well; others are pending or failed."""
_DIGITS = 12
_DOWNLOADS = 2


class Tag:
    """Names of a version's tags."""

    SHA256 = "sha256"
    DATASET_ID = "dataset_id"
    DATA_SOURCE = "data_source"
    SCHEMA_VERSION = "schema_version"
    SETTINGS_ID = "settings_id"
    JOB_ID = "job_id"
    VERDICT = "verdict"
    VERDICT_REASON = "verdict_reason"
    ROLLED_BACK = "rolled_back"
    HELD_PARTS = "held_parts"
    """Parts of the data set that its job held, comma-separated; empty after their release."""
    TREES = "trees"
    """The library of trees that its job compared with ONNX Runtime on all rows."""
    METRIC_PREFIX = "metric."
    GATE_PREFIX = "gate."


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model; the description is its model card, in Markdown."""

    name: str
    version: str
    run_id: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    description: str = ""
    status: str = READY

    @property
    def is_ready(self) -> bool:
        """Whether it was registered whole."""
        return self.status == READY

    @property
    def sha256(self) -> str | None:
        """Registered digest of ``model.onnx``."""
        return self.tags.get(Tag.SHA256) or None

    @property
    def identity(self) -> tuple[str, str | None]:
        """Number and digest: a rebuilt registry uses its numbers again."""
        return self.version, self.sha256

    @property
    def unique_name(self) -> str:
        """Name in keys and metrics, unique for each identity."""
        return f"{self.version}-{(self.sha256 or 'none')[:_DIGITS]}"


class ArtifactReader(Protocol):
    """Port: reads model files at locations of one scheme."""

    def __call__(self, uri: str, path: str) -> bytes:
        """Return a file of a location, such as ``model.onnx`` of ``s3://bucket/1/model``.

        Raises:
            ArtifactError: It is missing, or access is denied.
            RegistryUnavailableError: It cannot be read whole, or in time.
        """
        ...


class ModelRegistry(Protocol):
    """Port: versions of one registered model.

    Every call ends within the adapter's time limit. All raise ``RegistryUnavailableError`` and
    ``RegistryAnswerError``, besides the errors below.
    """

    def version_by_alias(self, alias: str) -> ModelVersion:
        """Return the version with the alias.

        Raises:
            AliasNotFoundError: No version has it.
        """
        ...

    def version(self, version: str) -> ModelVersion:
        """Return one version.

        Raises:
            VersionNotFoundError: There is no such version.
        """
        ...

    def versions(
        self, *, limit: int = 100, tags: Mapping[str, str] | None = None
    ) -> Sequence[ModelVersion]:
        """Return the newest versions, newest first; empty if the model is not registered.

        Args:
            limit: Most versions to return.
            tags: Only versions with these tags.
        """
        ...

    def download(self, version: str, path: str) -> bytes:
        """Return a file of the version's model, such as ``model.onnx``.

        Raises:
            VersionNotFoundError: There is no such version.
            ArtifactError: The file is missing or cannot be read.
        """
        ...

    def set_alias(self, alias: str, version: str) -> None:
        """Move the alias to the version.

        Raises:
            VersionNotFoundError: There is no such version.
        """
        ...

    def describe(self, version: str, text: str) -> None:
        """Write the version's description, the model card in Markdown.

        Raises:
            VersionNotFoundError: There is no such version.
        """
        ...

    def set_tag(self, version: str, key: str, value: str) -> None:
        """Set a tag of the version.

        Raises:
            VersionNotFoundError: There is no such version.
        """
        ...


def download_model(registry: ModelRegistry, version: ModelVersion) -> bytes:
    """Return a version's ``model.onnx``, checked against the digest in the version's tag.

    A file with another digest is downloaded again: an interrupted connection looks like a complete
    one. The file of a version without the tag is not checked.

    Raises:
        ArtifactDigestError: The registry serves another file than the registered one.
        ArtifactError: The version was not registered whole, or as in ``ModelRegistry.download``.
        VersionChangedError: The number names another model now.
        RegistryError: As in ``ModelRegistry.download``.
    """
    if not version.is_ready:
        msg = f"version {version.version} is not fully registered: its status is {version.status}"
        raise ArtifactError(msg)
    for _ in range(_DOWNLOADS):
        content = registry.download(version.version, MODEL_FILE)
        if version.sha256 in {None, hashlib.sha256(content).hexdigest()}:
            return content
    if registry.version(version.version).identity != version.identity:
        raise VersionChangedError(version.version)
    msg = f"the SHA-256 of version {version.version}'s {MODEL_FILE} is not the registered one"
    raise ArtifactDigestError(msg)
