"""Authentication and authorization by API key, behind API Gateway's own check of the key.

The gateway knows a key's value and counts its use; its scopes are known here only.
"""

import hmac
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from typing_extensions import override

from housing.api_keys import ApiKey, ApiKeyDocument, Scope, as_bytes
from predict.background import Workers
from predict.errors import ApiKeysUnavailableError, ForbiddenError, UnauthorizedError

_LOG = logging.getLogger(__name__)
# The last is signed, and answered where the settings name a secret: predict.access.hook_signature.
_OPEN = frozenset(
    {
        ("GET", "/health"),
        ("GET", "/ping"),
        ("GET", "/"),
        ("GET", "/docs"),
        ("POST", "/hooks/registry"),
    }
)
_PAGE_FILES = "/page/"
_ADMINS = ("/data", "/jobs", "/uploads", "/alerts")
"""Paths of which even reading wants an admin: files, their bad rows, who sent them."""
_RETRY_SECONDS = 5.0
"""Least time between two fetches: neither an outage nor unknown keys cause a storm of them."""
_COLD_BUDGET_SECONDS = 2.0
_WARM_BUDGET_SECONDS = 0.5
NOBODY = "nobody"


def required_scope(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs, or None if it needs no key.

    Every path that is not named here needs a key.
    """
    if (method, path) in _OPEN or (method == "GET" and path.startswith(_PAGE_FILES)):
        return None
    if path.startswith(_ADMINS) or (method != "GET" and path.startswith("/models")):
        return Scope.ADMIN
    return Scope.PREDICT


class Authenticator(Protocol):
    """Port: accepts or rejects a request by its key."""

    def may_wait(self) -> bool:
        """Whether the next decision may wait for the keys' store."""
        ...

    def require(self, key: str | None, scope: Scope) -> str:
        """Return the id of the key.

        Raises:
            UnauthorizedError: There is no key, or it is not valid.
            ForbiddenError: The key lacks the scope.
            ApiKeysUnavailableError: The keys cannot be read.
        """
        ...


class OpenAccess(Authenticator):
    """The ``Authenticator`` of a service without keys."""

    @override
    def may_wait(self) -> bool:
        return False

    @override
    def require(self, key: str | None, scope: Scope) -> str:
        return NOBODY


class _LastAccepted(NamedTuple):
    """The last accepted key: most requests have it, and a comparison takes half of a hash."""

    document: ApiKeyDocument
    key: bytes
    entry: ApiKey


class KeyAuthenticator(Authenticator):
    """The ``Authenticator`` over a document of hashed keys, which is fetched again after a TTL."""

    def __init__(
        self,
        fetch: Callable[[], ApiKeyDocument],
        *,
        ttl_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set where the keys are; the first request fetches them.

        Args:
            fetch: Returns the document; raises ``ApiKeysUnavailableError``.
            ttl_seconds: Time for which a document holds, or longer if it cannot be fetched again.
            clock: Returns seconds of the wall clock, because others stop while Lambda freezes.
        """
        self._fetch = fetch
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._workers = Workers()
        self._document: ApiKeyDocument | None = None
        self._last: _LastAccepted | None = None
        self._due_at = 0.0
        self._next_fetch_at = 0.0

    @override
    def may_wait(self) -> bool:
        # An unknown key may wait as well.
        return self._clock() >= self._due_at

    @override
    def require(self, key: str | None, scope: Scope) -> str:
        if not key:
            msg = "a key is needed, in the header x-api-key"
            raise UnauthorizedError(msg)
        entry = self._find(key)
        if entry is None:
            msg = "the key in the header x-api-key is not valid"
            raise UnauthorizedError(msg)
        if not entry.allows(scope):
            msg = f"this needs a key with the scope {scope}"
            raise ForbiddenError(msg)
        return entry.id

    def _find(self, key: str) -> ApiKey | None:
        if self._clock() >= self._due_at:
            self._refresh()
        entry = self._look_up(key)
        if entry is None and self._clock() >= self._next_fetch_at:  # perhaps it is new
            self._refresh()
            entry = self._look_up(key)
        return entry

    def _look_up(self, key: str) -> ApiKey | None:
        document, last, presented = self._known(), self._last, as_bytes(key)
        if last and last.document is document and hmac.compare_digest(last.key, presented):
            return last.entry
        entry = document.find(key)
        if entry:
            self._last = _LastAccepted(document, presented, entry)
        return entry

    def _known(self) -> ApiKeyDocument:
        if self._document is None:
            msg = "the API's keys cannot be read; no key can be checked now"
            raise ApiKeysUnavailableError(msg, retry_after_seconds=round(_RETRY_SECONDS))
        return self._document

    def _refresh(self) -> None:
        """Fetch in one thread; once keys are known, a request waits briefly, and for no other."""
        known = self._document is not None
        if not self._lock.acquire(timeout=0 if known else _COLD_BUDGET_SECONDS):
            return
        try:
            if self._clock() >= self._next_fetch_at:
                self._fetch_within(_WARM_BUDGET_SECONDS if known else _COLD_BUDGET_SECONDS)
        finally:
            self._lock.release()

    def _fetch_within(self, seconds: float) -> None:
        try:
            fetching = self._workers.start(self._fetch)
            document = fetching.result(seconds) if fetching else None
        except ApiKeysUnavailableError as exc:
            _LOG.warning("api_keys_not_fetched", extra={"error": str(exc)})
            document = None
        now = self._clock()
        self._next_fetch_at = now + _RETRY_SECONDS
        self._due_at = now + (self._ttl_seconds if document else _RETRY_SECONDS)
        if document:
            self._document = document
