"""A stage as samconfig.toml describes it: the stack's name, its parameters, where packages go."""

import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from housing_deploy.errors import StageError

_FILE = "file://"
_NEEDED_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment of the template."""

    name: str
    stack_name: str
    package_prefix: str
    region: str | None
    capabilities: tuple[str, ...]
    parameters: Mapping[str, str]
    """Those that are given; the others keep the value they have, or the template's default."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        """Whether it is the stage that is guarded."""
        return self.name == "prod"


def read_stage(config: Path, name: str, more: str = "") -> Stage:
    """Read a stage from SAM's configuration.

    Args:
        config: ``samconfig.toml``.
        name: The environment in it.
        more: ``Key=value Key=value``; goes before what the file says.

    Raises:
        StageError: There is no such stage, or it is not written as expected.
    """
    known = tomllib.loads(config.read_text())
    if name not in known or name == "version":
        stages = ", ".join(key for key in known if key not in ("version", "default"))
        msg = f"{config.name} has no stage {name!r}; it has: {stages or 'none'}"
        raise StageError(msg)
    found = _section(known[name], "global") | _section(known[name], "deploy")
    folder = config.parent
    given = pairs(found.get("parameter_overrides", ""), folder) | pairs(more, folder)
    if given.setdefault("Stage", name) != name:
        msg = f"the stage {name} of {config.name} sets Stage={given['Stage']}"
        raise StageError(msg)
    stack_name = str(found.get("stack_name") or f"housing-{name}")
    return Stage(
        name=name,
        stack_name=stack_name,
        package_prefix=str(found.get("s3_prefix") or stack_name),
        region=found.get("region"),
        capabilities=_capabilities(found.get("capabilities", ())),
        parameters=given,
        tags=pairs(found.get("tags", ""), folder),
    )


def pairs(text: "str | Iterable[str] | Mapping[str, Any]", folder: Path) -> dict[str, str]:
    """Read ``Key=value`` pairs as SAM does: one string, a list, or a table, with files in between.

    Raises:
        StageError: Something is no pair.
    """
    if isinstance(text, Mapping):
        return {str(key): _plain(value) for key, value in text.items()}
    words = shlex.split(text) if isinstance(text, str) else list(text)
    found: dict[str, str] = {}
    for word in words:
        found |= _pair(word, folder)
    return found


def _pair(word: str, folder: Path) -> dict[str, str]:
    if word.startswith(_FILE):
        path = folder / word.removeprefix(_FILE)
        return pairs(yaml.safe_load(path.read_text()), folder)
    key, sign, value = word.partition("=")
    if not sign:
        msg = f"parameters are Key=value pairs; {word!r} is none"
        raise StageError(msg)
    return {key: value.strip("\"'")}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _section(environment: Mapping[str, Any], command: str) -> dict[str, Any]:
    return dict(environment.get(command, {}).get("parameters", {}))


def _capabilities(text: "str | Iterable[str]") -> tuple[str, ...]:
    words = text.split() if isinstance(text, str) else list(text)
    return tuple(sorted({*_NEEDED_CAPABILITIES, *words}))
