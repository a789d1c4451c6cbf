"""The model registry in memory."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from housing.errors import (
    AliasNotFoundError,
    ArtifactError,
    RegistryError,
    RegistryUnavailableError,
    VersionNotFoundError,
)
from housing.registry.port import ModelVersion

Register = Callable[..., ModelVersion]
"""What a fixture returns that registers a model's bytes in a fake registry."""


class FakeModelRegistry:
    """Versions of one model, kept in memory, with switches for a registry in trouble.

    Attributes:
        fails_with: Raised by every call while it is set.
        answers_after_seconds: How long a call takes; beyond ``timeout_seconds`` it fails.
        calls: Names of the port's methods in the order in which they were called.
    """

    def __init__(
        self,
        model_name: str = "california-housing",
        *,
        timeout_seconds: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model_name = model_name
        self.fails_with: RegistryError | None = None
        self.answers_after_seconds = 0.0
        self.calls: list[str] = []
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._versions: dict[str, ModelVersion] = {}
        self._files: dict[str, dict[str, bytes]] = {}
        self._aliases: dict[str, str] = {}

    def register(
        self,
        files: Mapping[str, bytes],
        *,
        tags: Mapping[str, str] | None = None,
        run_id: str = "0123456789abcdef0123456789abcdef",
        created_at: datetime | None = None,
        description: str = "",
    ) -> ModelVersion:
        """Add the next version, as a training job would."""
        version = ModelVersion(
            name=self.model_name,
            version=str(len(self._versions) + 1),
            run_id=run_id,
            created_at=created_at or datetime.now(UTC),
            tags=dict(tags or {}),
            description=description,
        )
        self._versions[version.version] = version
        self._files[version.version] = dict(files)
        return version

    def rebuild(self) -> None:
        """Lose all, as a registry whose database was lost: the next version is number 1 again."""
        self._versions.clear()
        self._files.clear()
        self._aliases.clear()

    def replace_file(self, version: str, path: str, content: bytes) -> None:
        """Change a file behind the registry's back."""
        self._files[version][path] = content

    def set_status(self, version: str, status: str) -> None:
        """Leave a version in another status than that of a registration that ended well."""
        self._versions[version] = replace(self._versions[version], status=status)

    def drop_alias(self, alias: str) -> None:
        """Take the alias from whichever version carries it."""
        self._aliases.pop(alias, None)

    def aliases(self) -> Mapping[str, str]:
        """Return the version of each alias."""
        return self._aliases

    def close_connections(self) -> None:
        """See ``MlflowModelRegistry.close_connections``; there are none."""

    def version_by_alias(self, alias: str) -> ModelVersion:
        """See ``ModelRegistry.version_by_alias``."""
        self._answer("version_by_alias")
        if alias not in self._aliases:
            msg = f"no version of {self.model_name} has the alias {alias}"
            raise AliasNotFoundError(msg)
        return self._with_aliases(self._aliases[alias])

    def version(self, version: str) -> ModelVersion:
        """See ``ModelRegistry.version``."""
        self._answer("version")
        return self._with_aliases(version)

    def versions(
        self, *, limit: int = 100, tags: Mapping[str, str] | None = None
    ) -> Sequence[ModelVersion]:
        """See ``ModelRegistry.versions``."""
        self._answer("versions")
        wanted = (tags or {}).items()
        newest_first = [
            self._with_aliases(version) for version in sorted(self._versions, key=int, reverse=True)
        ]
        return [one for one in newest_first if wanted <= one.tags.items()][:limit]

    def download(self, version: str, path: str) -> bytes:
        """See ``ModelRegistry.download``."""
        self._answer("download")
        self._known(version)
        if path not in self._files[version]:
            msg = f"{self.model_name} {version} has no file {path}"
            raise ArtifactError(msg)
        return self._files[version][path]

    def set_alias(self, alias: str, version: str) -> None:
        """See ``ModelRegistry.set_alias``."""
        self._answer("set_alias")
        self._known(version)
        self._aliases[alias] = version

    def describe(self, version: str, text: str) -> None:
        """See ``ModelRegistry.describe``."""
        self._answer("describe")
        self._versions[version] = replace(self._known(version), description=text)

    def set_tag(self, version: str, key: str, value: str) -> None:
        """See ``ModelRegistry.set_tag``."""
        self._answer("set_tag")
        known = self._known(version)
        self._versions[version] = replace(known, tags={**known.tags, key: value})

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.answers_after_seconds:
            self._sleep(min(self.answers_after_seconds, self._timeout_seconds))
        if self.answers_after_seconds > self._timeout_seconds:
            msg = "the registry's answer took longer than its time budget"
            raise RegistryUnavailableError(msg)
        if self.fails_with is not None:
            raise self.fails_with

    def _known(self, version: str) -> ModelVersion:
        if version not in self._versions:
            msg = f"{self.model_name} has no version {version}"
            raise VersionNotFoundError(msg)
        return self._versions[version]

    def _with_aliases(self, version: str) -> ModelVersion:
        aliases = sorted(alias for alias, holder in self._aliases.items() if holder == version)
        return replace(self._known(version), aliases=tuple(aliases))
