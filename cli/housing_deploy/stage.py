"""A stage of samconfig.toml: the stack's name, its parameters, the folder of its packages."""

import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from housing_deploy.errors import StageError

_FILE = "file://"
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of the template; ``parameters`` has the given ones only."""

    name: str
    stack_name: str
    package_prefix: str
    region: str | None
    capabilities: tuple[str, ...]
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        """Whether deletion is guarded."""
        return self.name == "prod"


def read_stage(config: Path, name: str, more: str = "") -> Stage:
    """Read a stage from SAM's configuration.

    Args:
        config: ``samconfig.toml``.
        name: The environment in it.
        more: ``Key=value Key=value``; overrides the file.

    Raises:
        StageError: The stage does not exist, or is not valid.
    """
    environments = tomllib.loads(config.read_text())
    if name not in environments or name == "version":
        stages = ", ".join(key for key in environments if key not in ("version", "default"))
        msg = f"{config.name} has no stage {name!r}; it has: {stages or 'none'}"
        raise StageError(msg)
    commands = environments[name]
    settings: dict[str, Any] = {}
    for command in ("global", "deploy"):
        settings |= commands.get(command, {}).get("parameters", {})
    folder = config.parent
    parameters = pairs(settings.get("parameter_overrides", ""), folder) | pairs(more, folder)
    if parameters.setdefault("Stage", name) != name:
        msg = f"the stage {name} of {config.name} sets Stage={parameters['Stage']}"
        raise StageError(msg)
    stack_name = str(settings.get("stack_name") or f"housing-{name}")
    return Stage(
        name=name,
        stack_name=stack_name,
        package_prefix=str(settings.get("s3_prefix") or stack_name),
        region=settings.get("region"),
        capabilities=tuple(sorted({*_CAPABILITIES, *_words(settings.get("capabilities", ()))})),
        parameters=parameters,
        tags=pairs(settings.get("tags", ""), folder),
    )


def pairs(text: "str | Iterable[str] | Mapping[str, Any]", folder: Path) -> dict[str, str]:
    """Read ``Key=value`` pairs in SAM's forms: a string, a list or a table, with files in between.

    Raises:
        StageError: A word is not a pair.
    """
    if isinstance(text, Mapping):
        return {str(key): _plain(value) for key, value in text.items()}
    merged: dict[str, str] = {}
    for word in _words(text):
        key, sign, value = word.partition("=")
        if word.startswith(_FILE):
            path = folder / word.removeprefix(_FILE)
            merged |= pairs(yaml.safe_load(path.read_text()), folder)
        elif sign:
            merged[key] = value.strip("\"'")
        else:
            msg = f"parameters are Key=value pairs; {word!r} is not one"
            raise StageError(msg)
    return merged


def _words(text: "str | Iterable[str]") -> list[str]:
    return shlex.split(text) if isinstance(text, str) else list(text)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
