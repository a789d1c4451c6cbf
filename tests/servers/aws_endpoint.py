"""MiniStack, the stack's own AWS endpoint, on its own: S3 with its conditions, and SNS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.services.catalogue import aws_endpoint
from local_stack.settings import StackSettings
from servers.running import Server, free_port


@contextmanager
def running_aws_endpoint(folder: Path) -> Iterator[Server]:
    """Run the endpoint as the stack does, on a free port."""
    settings = StackSettings(state_dir=folder, aws_port=free_port())
    service = aws_endpoint(settings)
    server = Server(
        service.command, port=service.port, folder=folder, health_path=service.health_path
    )
    try:
        server.start(service.environment)
        server.wait_until_up()
        yield server
    finally:
        server.stop()
