"""LocalStack's gateway on the given addresses only.

Of an IPv4 address in ``GATEWAY_LISTEN`` LocalStack's own server uses only the port, and listens on
all interfaces. The server is a plug-in point; this one (``GATEWAY_SERVER=loopback``) binds the
address, too. It has no TLS.
"""

from collections.abc import Sequence
from typing import Any

from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor


class LoopbackServer(TwistedRuntimeServer):  # type: ignore[misc]  # mypy runs without LocalStack
    """The Twisted server, bound to addresses."""

    def register(self, gateway: Any, listen: Sequence[Any], ssl_creds: object = None) -> None:  # noqa: ARG002 - LocalStack's signature
        """Serve the gateway on each address."""
        site = TwistedGateway(gateway)
        for place in listen:
            reactor.listenTCP(place.port, site, interface=place.host)  # raises when it is taken


class LoopbackServerPlugin(RuntimeServerPlugin):  # type: ignore[misc]  # the same
    """Registers the server as ``loopback``."""

    name = "loopback"

    def load(self, *_: object, **__: object) -> LoopbackServer:
        """Return the server."""
        return LoopbackServer()
