"""LocalStack's gateway on the addresses it is told, and on no other.

Of an IPv4 address in ``GATEWAY_LISTEN`` LocalStack's own server takes the port alone, and listens
on all interfaces. Which server it uses is a plug-in point; this one is that server with the address
(``GATEWAY_SERVER=loopback``). It speaks HTTP alone.
"""

from collections.abc import Sequence
from typing import Any

from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor


class LoopbackServer(TwistedRuntimeServer):  # type: ignore[misc]  # LocalStack is not where mypy is
    """The twisted server, bound."""

    def register(self, gateway: Any, listen: Sequence[Any], ssl_creds: object = None) -> None:  # noqa: ARG002 - LocalStack's signature
        """Serve the gateway on each address."""
        site = TwistedGateway(gateway)
        for place in listen:
            reactor.listenTCP(place.port, site, interface=place.host)  # raises when it is taken


class LoopbackServerPlugin(RuntimeServerPlugin):  # type: ignore[misc]  # the same
    """Makes it known by the name ``loopback``."""

    name = "loopback"

    def load(self, *_: object, **__: object) -> LoopbackServer:
        """Return it."""
        return LoopbackServer()
