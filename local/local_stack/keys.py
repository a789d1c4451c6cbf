"""The two keys of the local stack: made once, kept in ``.local/env``."""

from collections.abc import Mapping
from pathlib import Path

from housing.api_keys import Scope
from housing_cli.key_ring import KeyRing

KEY_VARIABLES: Mapping[Scope, str] = {
    Scope.PREDICT: "HOUSING_API_KEY",
    Scope.ADMIN: "HOUSING_ADMIN_KEY",
}


def ensured(ring: KeyRing, env_file: Path) -> dict[Scope, str]:
    """Return a key for each scope: the one of the file where it is still valid, else a new one."""
    kept = read_variables(env_file)
    document = ring.document()
    keys = {}
    for scope, variable in KEY_VARIABLES.items():
        key = kept.get(variable, "")
        entry = document.find(key)
        if entry is None or scope not in entry.scopes:
            key = ring.create(scope).key
        keys[scope] = key
    return keys


def read_variables(env_file: Path) -> dict[str, str]:
    """Read what ``.local/env`` sets; nothing before the stack was first brought up."""
    if not env_file.exists():
        return {}
    lines = env_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
