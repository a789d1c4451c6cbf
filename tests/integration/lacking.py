"""What an endpoint cannot do: the tests that are skipped there, each with its reason.

``docs/localstack.md`` shows the same; a test compares them.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

_METRICS = "GetMetricData does not support percentiles, and takes a minute for a month of data"
LOCALSTACK: Mapping[str, str] = {
    "test_account_metrics.py::test_put_metrics_are_exposed_as_counters": _METRICS,
    "test_account_metrics.py::test_counters_end_two_minutes_ago": _METRICS,
    "test_account_metrics.py::test_counts_and_sums_equal_those_of_cloudwatch": _METRICS,
    "test_account_metrics.py::test_quantiles_are_those_of_the_last_whole_five_minutes": _METRICS,
    "test_alerts.py::test_an_alarm_of_the_template_reaches_slack": (
        "an alarm is evaluated only after all of its periods, here a quarter of an hour"
    ),
    "test_alerts.py::test_the_templates_dashboard_is_there": (
        "CloudFormation does not create dashboards"
    ),
    "test_keys.py::test_clients_move_to_a_new_key_without_a_gap": (
        "a deleted key is refused, but with 500 instead of 403"
    ),
}
"""On LocalStack. A name without brackets stands for all of the test's cases."""
MINISTACK: Mapping[str, str] = {
    "test_administration.py::test_a_page_of_this_machine_may_post_and_no_other": (
        "it ignores a bucket's CORS, and lets pages of any origin in"
    ),
}
"""On MiniStack, the endpoint of `make run`."""
ANOTHERS: Mapping[str, str] = {
    "test_deploy.py": "it deploys to an empty endpoint, which it starts itself",
    "test_stack.py::test_an_interrupt_at_any_time_leaves_no_process[local AWS endpoint-2]": (
        "the tests start no endpoint that could be interrupted"
    ),
    "test_stack.py::test_a_half_dead_stack_is_repaired_and_remembers[victims0]": (
        "the stack cannot restart an endpoint that it did not start"
    ),
    "test_stack.py::test_a_half_dead_stack_is_repaired_and_remembers[victims2]": (
        "the stack cannot restart an endpoint that it did not start"
    ),
}
"""On any endpoint that the tests did not start."""


def lacking_at(endpoint: str) -> dict[str, str]:
    """Return the tests that cannot pass at an endpoint, with the reasons."""
    if not endpoint:
        return dict(MINISTACK)
    if _answers(f"{endpoint}/_ministack/health"):
        return {**ANOTHERS, **MINISTACK}
    if _answers(f"{endpoint}/_localstack/health"):
        return {**ANOTHERS, **LOCALSTACK}
    pytest.exit(f"neither MiniStack nor LocalStack answers at {endpoint}", returncode=2)


def names_of(item: pytest.Item) -> list[str]:
    """Return the names under which a test may stand in the tables: case, test, file."""
    case = f"{Path(item.path).name}::{item.name}"
    return [case, case.partition("[")[0], case.partition("::")[0]]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
