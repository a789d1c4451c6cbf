"""What an endpoint cannot do: the tests that are skipped there, each with its reason.

``docs/localstack.md`` shows the same; a test compares them.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

LOCALSTACK: Mapping[str, str] = {}
"""On LocalStack."""
ANOTHERS: Mapping[str, str] = {
    "test_stack.py::test_an_interrupt_at_any_time_leaves_no_process[local AWS endpoint-2]": (
        "no endpoint is started that could be interrupted"
    ),
    "test_stack.py::test_a_half_dead_stack_is_repaired_and_remembers[victims0]": (
        "the endpoint is not the stack's own to end and start again"
    ),
    "test_stack.py::test_a_half_dead_stack_is_repaired_and_remembers[victims2]": (
        "the endpoint is not the stack's own to end and start again"
    ),
}
"""On any endpoint that others run."""


def lacking_at(endpoint: str) -> dict[str, str]:
    """Return the tests that cannot pass at an endpoint, with the reasons; none if it is our own."""
    if not endpoint:
        return {}
    if _answers(f"{endpoint}/_ministack/health"):
        return dict(ANOTHERS)
    if _answers(f"{endpoint}/_localstack/health"):
        return {**ANOTHERS, **LOCALSTACK}
    pytest.exit(f"neither MiniStack nor LocalStack answers at {endpoint}", returncode=2)


def name_of(item: pytest.Item) -> str:
    """Return a test's name as it stands in the tables."""
    return f"{Path(item.path).name}::{item.name}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
