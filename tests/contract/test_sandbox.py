"""A function in a sandbox, under AWS's own runtime client."""

import json
import os
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_stack.on_localstack.sandbox import Function, Outcome, Sandbox
from local_stack.settings import StackSettings

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
HANDLER = """
import logging, os, sys, time
calls = []
print("imported")
def entry(event, context):
    calls.append(event)
    print("got", event)
    logging.getLogger().warning("logged %s", context.aws_request_id)
    if event == "fail":
        raise ValueError("as asked")
    if event == "hang":
        time.sleep(60)
    if event == "exit":
        os._exit(3)
    return {
        "calls": len(calls),
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis(),
        "pid": os.getpid(),
    }
"""
Make = Callable[..., Sandbox]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as open_ones:

        def made(code: str = HANDLER, *, timeout_seconds: float = 20) -> Sandbox:
            (tmp_path / "handler.py").write_text(textwrap.dedent(code))
            python = StackSettings().functions_python
            function = Function(
                command=[str(python), "-m", "awslambdaric", "handler.entry"],
                environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
                folder=tmp_path,
                timeout_seconds=timeout_seconds,
                memory_mb=128,
            )
            return open_ones.enter_context(Sandbox(function))

        yield made


def call(sandbox: Sandbox, event: str, request_id: str = "r1") -> Outcome:
    return sandbox.call(request_id, json.dumps(event).encode(), function_arn=ARN)


def error_of(outcome: Outcome) -> tuple[str, str]:
    assert outcome.answer.is_error
    error = json.loads(outcome.answer.body)
    return error["errorType"], error["errorMessage"]


def test_a_function_answers_and_the_next_call_finds_it_warm(make: Make) -> None:
    sandbox = make()
    assert sandbox.start() is None

    first, second = (json.loads(call(sandbox, "x", name).answer.body) for name in ("r1", "r2"))

    assert (first["calls"], second["calls"]) == (1, 2)
    assert first["pid"] == second["pid"]
    assert first["arn"] == ARN
    assert 0 < first["left"] <= 20_000


def test_output_is_logged_with_the_invocation_that_wrote_it(make: Make) -> None:
    sandbox = make()
    sandbox.start()

    first, second = (call(sandbox, name, name).log.splitlines() for name in ("r1", "r2"))

    assert first[:3] == ["START RequestId: r1 Version: $LATEST", "imported", "got r1"]
    assert second[:2] == ["START RequestId: r2 Version: $LATEST", "got r2"]
    assert "logged r2" in second[2]
    assert second[-2] == "END RequestId: r2"
    assert second[-1].startswith("REPORT RequestId: r2\tDuration: ")


def test_an_exception_is_an_error_with_its_type(make: Make) -> None:
    assert error_of(call(make(), "fail")) == ("ValueError", "as asked")


def test_a_call_that_takes_too_long_is_ended_and_the_next_one_starts_anew(make: Make) -> None:
    sandbox = make(timeout_seconds=3)
    before = json.loads(call(sandbox, "x").answer.body)["pid"]

    kind, message = error_of(call(sandbox, "hang", "r2"))

    assert (kind, "Task timed out after 3.00 seconds" in message) == ("Sandbox.Timedout", True)
    after = json.loads(call(sandbox, "x", "r3").answer.body)
    assert after["calls"] == 1
    assert after["pid"] != before


def test_a_process_that_ends_is_an_error_and_the_next_call_starts_anew(make: Make) -> None:
    sandbox = make()

    kind, _ = error_of(call(sandbox, "exit"))

    assert kind == "Runtime.ExitError"
    assert json.loads(call(sandbox, "x", "r2").answer.body)["calls"] == 1


def test_a_handler_that_cannot_be_imported_says_why(make: Make) -> None:
    error = make("import nothing_of_this_name\n").start()

    assert error
    document = json.loads(error)
    assert document["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_of_this_name" in document["errorMessage"]


def test_a_program_that_never_asks_for_a_call_is_ended(tmp_path: Path) -> None:
    silent = Function(
        command=["/bin/sleep", "60"],
        environment={},
        folder=tmp_path,
        timeout_seconds=20,
        memory_mb=128,
        ready_seconds=0.3,
    )
    with Sandbox(silent) as sandbox:
        kind, message = error_of(call(sandbox, "x"))

        assert (kind, sandbox.is_alive) == ("Sandbox.Timedout", False)
    assert "not ready within 0.3 s" in message


def test_a_program_that_is_no_runtime_is_not_waited_for(tmp_path: Path) -> None:
    function = Function(["/bin/true"], {}, tmp_path, timeout_seconds=5, memory_mb=128)

    with Sandbox(function) as sandbox:
        error = sandbox.start()

    assert error
    assert json.loads(error)["errorType"] == "Runtime.ExitError"
