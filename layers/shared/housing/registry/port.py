"""The model registry as the project sees it: versions of one model, and aliases on them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from housing.errors import ArtifactDigestError, VersionChangedError

PRODUCTION = "production"
PREVIOUS = "previous"
CHALLENGER = "challenger"

MODEL_FILE = "model.onnx"
_DIGITS = 12
_DOWNLOADS = 2


class Tag:
    """Tags that every version carries."""

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
    """Parts of the data set that its job held, comma-separated; empty once they are released."""
    METRIC_PREFIX = "metric."
    GATE_PREFIX = "gate."


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model; its description is the model card, in Markdown."""

    name: str
    version: str
    run_id: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    description: str = ""

    @property
    def sha256(self) -> str | None:
        """The digest of its ``model.onnx``, as it was registered."""
        return self.tags.get(Tag.SHA256) or None

    @property
    def identity(self) -> tuple[str, str | None]:
        """What makes it another version: a registry that was rebuilt uses its numbers again."""
        return self.version, self.sha256

    @property
    def unique_name(self) -> str:
        """A name for keys and metrics, which differs where the identity does."""
        return f"{self.version}-{(self.sha256 or 'none')[:_DIGITS]}"


class ArtifactReader(Protocol):
    """Reads files of models that lie at locations of one scheme."""

    def __call__(self, uri: str, path: str) -> bytes:
        """Return a file under a location, such as ``model.onnx`` under ``s3://bucket/1/model``.

        Raises:
            ArtifactError: It is missing, or may not be read.
            RegistryUnavailableError: It cannot be had whole, or in time.
        """
        ...


class ModelRegistry(Protocol):
    """Versions of one registered model.

    Every call ends within the adapter's time budget. All raise ``RegistryUnavailableError`` and
    ``RegistryAnswerError``; the errors named below come on top.
    """

    def version_by_alias(self, alias: str) -> ModelVersion:
        """Return the version that carries the alias.

        Raises:
            AliasNotFoundError: None does.
        """
        ...

    def version(self, version: str) -> ModelVersion:
        """Return one version.

        Raises:
            VersionNotFoundError: There is none of that number.
        """
        ...

    def versions(self, *, limit: int = 100) -> Sequence[ModelVersion]:
        """Return the newest versions, newest first; none when the model is not registered."""
        ...

    def download(self, version: str, path: str) -> bytes:
        """Return a file of the version's model, such as ``model.onnx``.

        Raises:
            VersionNotFoundError: There is no such version.
            ArtifactError: The file is missing, or lies where this adapter cannot read.
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
    """Return a version's ``model.onnx``, which has the digest that the version's tag says.

    A file that has not is downloaded again: a connection that ends early ends like a whole one. Of
    a version without the tag, anything is returned.

    Raises:
        ArtifactDigestError: The registry serves another file than the registered one.
        VersionChangedError: The number stands for another model by now.
        RegistryError: As in ``ModelRegistry.download``.
    """
    for _ in range(_DOWNLOADS):
        content = registry.download(version.version, MODEL_FILE)
        if version.sha256 in {None, hashlib.sha256(content).hexdigest()}:
            return content
    if registry.version(version.version).identity != version.identity:
        raise VersionChangedError(version.version)
    msg = f"the SHA-256 of version {version.version}'s {MODEL_FILE} is not the registered one"
    raise ArtifactDigestError(msg)
