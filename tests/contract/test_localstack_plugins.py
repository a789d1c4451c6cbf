"""LocalStack finds the executor and the server by their entry points; they are what it expects."""

import subprocess
from pathlib import Path

import pytest

from local_stack.settings import StackSettings

PYTHON = StackSettings().venvs_dir / "localstack/bin/python"
ASK = """
from plux import PluginManager
from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin
from localstack.services.lambda_.invocation.runtime_executor import (
    RuntimeExecutor, get_runtime_executor,
)
servers = PluginManager(RuntimeServerPlugin.namespace)
servers.load("loopback")
assert isinstance(servers.get_container("loopback").load_value, RuntimeServer)
executor = get_runtime_executor()
assert issubclass(executor, RuntimeExecutor) and not executor.__abstractmethods__
print(executor.__module__)
"""


@pytest.mark.skipif(
    not PYTHON.exists(), reason="LocalStack is not installed: make .venvs/localstack/.ready"
)
def test_localstack_finds_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-c", ASK],
        env={"HOME": str(tmp_path), "LAMBDA_RUNTIME_EXECUTOR": "process"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "local_stack.on_localstack.executor"
