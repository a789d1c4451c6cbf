"""The API's keys as one JSON document: hashed, with scopes.

A key is 256 random bits: it cannot be guessed, so a plain SHA-256 is as good as a slow hash.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_KEY_BYTES = 32
_ID_BYTES = 3


class Scope(StrEnum):
    """Scope of a key; ``admin`` includes ``predict``."""

    PREDICT = "predict"
    ADMIN = "admin"


class ApiKey(BaseModel):
    """Entry of one key: its hash, not the key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, max_length=100)
    scopes: frozenset[Scope]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created_at: AwareDatetime

    def allows(self, scope: Scope) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class ApiKeyDocument(BaseModel):
    """All valid keys; several of a scope while clients move to a new one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    keys: tuple[ApiKey, ...] = ()

    def find(self, key: str) -> ApiKey | None:
        """Return the entry of a key, or None; every entry is compared, each in constant time."""
        presented = digest(key)
        match = None
        for entry in self.keys:
            if hmac.compare_digest(entry.sha256, presented):
                match = entry
        return match

    def with_key(self, entry: ApiKey) -> "ApiKeyDocument":
        """Return the document with one more key."""
        return ApiKeyDocument(keys=(*self.keys, entry))

    def without(self, key_id: str) -> "ApiKeyDocument":
        """Return the document without a key."""
        return ApiKeyDocument(keys=tuple(entry for entry in self.keys if entry.id != key_id))


def digest(key: str) -> str:
    """Return the SHA-256 that is kept of a key."""
    return hashlib.sha256(as_bytes(key)).hexdigest()


def as_bytes(key: str) -> bytes:
    """Encode a client's key, whatever its characters."""
    return key.encode("utf-8", "surrogatepass")


def new_key(scope: Scope) -> tuple[str, ApiKey]:
    """Create a key; return it, which is not kept anywhere, and its entry."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    now = datetime.now(UTC)
    name = f"{scope}-{now:%Y%m%d}-{secrets.token_hex(_ID_BYTES)}"
    entry = ApiKey(id=name, scopes=frozenset({scope}), sha256=digest(key), created_at=now)
    return key, entry
