"""What the functions' loggers write under AWS's own runtime client: a JSON line for each event."""

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from local_stack.on_localstack.sandbox import Function, Sandbox
from local_stack.settings import StackSettings

HANDLER = """
import logging
from housing.function_log import function_logger
logger = function_logger("{service}")
def entry(event, context):
    logger.append_keys(request_id=event)
    logging.getLogger("housing.s3.lease").warning("lease_taken", extra={{"holder": "job 1"}})
    logging.getLogger("housing.registry.alias_repair").info("alias_moved", extra={{"to": "2"}})
    logging.getLogger("{service}.part").info("of_its_own", extra={{"fact": 1}})
    logging.getLogger("of.others").info("not_ours")
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def logged_by(service: str, folder: Path) -> list[dict[str, Any]]:
    (folder / "handler.py").write_text(textwrap.dedent(HANDLER.format(service=service)))
    function = Function(
        command=[str(StackSettings().functions_python), "-m", "awslambdaric", "handler.entry"],
        environment={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{folder}{os.pathsep}{CHECKOUT / 'layers/shared'}",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        },
        folder=folder,
        timeout_seconds=20,
        memory_mb=128,
    )
    with Sandbox(function) as sandbox:
        assert sandbox.start() is None
        log = sandbox.call("r1", b'"r1"', function_arn=ARN).log
    lines = [line for line in log.splitlines() if not line.startswith(("START", "END", "REPORT"))]
    return [json.loads(line) for line in lines if line]


@pytest.mark.parametrize("service", ["predict", "retrain", "notify"])
def test_events_of_the_shared_package_keep_level_fields_and_request(
    service: str, tmp_path: Path
) -> None:
    lines = logged_by(service, tmp_path)

    events = [(line["level"], line["message"], line["request_id"]) for line in lines]
    assert events == [
        ("WARNING", "lease_taken", "r1"),
        ("INFO", "alias_moved", "r1"),
        ("INFO", "of_its_own", "r1"),
    ]
    assert [line["service"] for line in lines] == [service] * 3
    assert (lines[0]["holder"], lines[1]["to"], lines[2]["fact"]) == ("job 1", "2", 1)
