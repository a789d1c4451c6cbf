"""Who may do what: the inner of the two doors, behind API Gateway's own check of the key.

The gateway knows a key's value and counts its use; what the key may do, the function alone knows.
"""

import hmac
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from housing.api_keys import ApiKey, ApiKeyDocument, Scope, as_bytes
from predict.background import Workers
from predict.errors import ApiKeysUnavailableError, ForbiddenError, UnauthorizedError

_LOG = logging.getLogger(__name__)
_OPEN = frozenset({("GET", "/health"), ("GET", "/ping")})
_RETRY_SECONDS = 5.0
"""After a fetch, the next one is this far off at least: neither an outage nor unknown keys bring a
storm of them."""
_COLD_BUDGET_SECONDS = 2.0
_WARM_BUDGET_SECONDS = 0.5
NOBODY = "nobody"


def required_scope(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs, or None where it needs no key.

    Whatever is not named here wants a key.
    """
    if (method, path) in _OPEN:
        return None
    if path.startswith("/data") or (method != "GET" and path.startswith("/models")):
        return Scope.ADMIN
    return Scope.PREDICT


class Authenticator(Protocol):
    """Decides on a request by its key."""

    def may_wait(self) -> bool:
        """Whether the next decision may wait for the keys' store."""
        ...

    def require(self, key: str | None, scope: Scope) -> str:
        """Return the id of the key.

        Raises:
            UnauthorizedError: There is no key, or it is not valid.
            ForbiddenError: The key has not the scope.
            ApiKeysUnavailableError: Nobody can tell now.
        """
        ...


class OpenDoor:
    """The ``Authenticator`` of a service that was told to ask for no keys."""

    def may_wait(self) -> bool:
        """See ``Authenticator.may_wait``."""
        return False

    def require(self, _key: str | None, _scope: Scope) -> str:
        """See ``Authenticator.require``."""
        return NOBODY


class _LetIn(NamedTuple):
    """The key that was let in last: most requests come with it, and a compare is half of a hash."""

    document: ApiKeyDocument
    key: bytes
    entry: ApiKey


class KeyAuthenticator:
    """The ``Authenticator`` over a document of hashed keys, fetched again after a time."""

    def __init__(
        self,
        fetch: Callable[[], ApiKeyDocument],
        *,
        ttl_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember where the keys are; nothing is fetched yet.

        Args:
            fetch: Gets the document; raises ``ApiKeysUnavailableError``.
            ttl_seconds: How long a document holds. While it cannot be had anew, it goes on holding.
            clock: Tells seconds; the wall clock, because others stand still while Lambda freezes.
        """
        self._fetch = fetch
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._workers = Workers()
        self._document: ApiKeyDocument | None = None
        self._last: _LetIn | None = None
        self._due_at = 0.0
        self._next_fetch_at = 0.0

    def may_wait(self) -> bool:
        """See ``Authenticator.may_wait``; a key that is not known may wait as well."""
        return self._clock() >= self._due_at

    def require(self, key: str | None, scope: Scope) -> str:
        """See ``Authenticator.require``."""
        if not key:
            msg = "a key is needed, in the header x-api-key"
            raise UnauthorizedError(msg)
        found = self._find(key)
        if found is None:
            msg = "the key in the header x-api-key is not valid"
            raise UnauthorizedError(msg)
        if not found.allows(scope):
            msg = f"this needs a key with the scope {scope}"
            raise ForbiddenError(msg)
        return found.id

    def _find(self, key: str) -> ApiKey | None:
        if self._clock() >= self._due_at:
            self._refresh()
        found = self._look_up(key)
        if found is None and self._clock() >= self._next_fetch_at:  # perhaps it is new
            self._refresh()
            found = self._look_up(key)
        return found

    def _look_up(self, key: str) -> ApiKey | None:
        document, last, presented = self._known(), self._last, as_bytes(key)
        if last and last.document is document and hmac.compare_digest(last.key, presented):
            return last.entry
        found = document.find(key)
        if found:
            self._last = _LetIn(document, presented, found)
        return found

    def _known(self) -> ApiKeyDocument:
        if self._document is None:
            msg = "the API's keys cannot be read; nobody can be let in now"
            raise ApiKeysUnavailableError(msg, retry_after_seconds=round(_RETRY_SECONDS))
        return self._document

    def _refresh(self) -> None:
        """Fetch, in one thread; with keys at hand no request waits long, and none for another."""
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
