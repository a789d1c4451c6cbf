"""``docs/cost.md`` is up to date with the script, the code, the configuration and the template."""

import pytest

import write_cost
from housing_ops.checkout import CHECKOUT
from retrain.training.job.job_metrics import ERRORS


def test_the_page_is_up_to_date() -> None:
    kept = (CHECKOUT / "docs/cost.md").read_text()

    assert kept == write_cost.page(), "make cost writes it again"


def test_every_price_is_used_and_has_its_page() -> None:
    code = (CHECKOUT / "tools/docs/write_cost.py").read_text()

    for name, price in write_cost._PRICES.items():
        assert f'"{name}"' in code, f"{name} is in prices.yaml and used nowhere"
        assert price["page"].startswith("https://aws.amazon.com/")


def test_the_gateways_tiers_apply_one_after_the_other() -> None:
    first, second, third = (write_cost.PRICE[f"api_million_{tier}"] for tier in (1, 2, 3))

    assert write_cost.gateway(0) == 0
    assert write_cost.gateway(333e6) == pytest.approx(333 * first)
    assert write_cost.gateway(1e9) == pytest.approx(333 * first + 667 * second)
    assert write_cost.gateway(2e9) == pytest.approx(333 * first + 667 * second + 1_000 * third)


def test_tracing_counts_all_of_few_requests_and_a_share_of_many() -> None:
    million = write_cost.PRICE["traces_million"]

    assert write_cost.traces(1e5) == pytest.approx(0.1 * million)
    assert write_cost.traces(1e9) < 0.06 * 1e3 * million


def test_the_total_is_the_sum_of_its_parts() -> None:
    parts = write_cost.always()

    for requests in (0, 1e5, 1e9):
        assert write_cost.total(parts, requests) == pytest.approx(
            sum(part.cost(requests) for part in parts)
        )
    assert len({part.name for part in [*parts, *write_cost.if_chosen()]}) > 15


def test_a_metric_of_two_services_is_requested_twice() -> None:
    def exporter(name: str) -> dict[str, object]:
        metric = {"name": name, "statistics": ["Sum"]}
        return {
            "customNamespace": [{"name": "service", "metrics": [metric]}],
            "discovery": {"jobs": []},
        }

    assert write_cost.asked_by(exporter("JobsFailed")) == 2
    assert write_cost.asked_by(exporter("JobsSucceeded")) == 1


def test_every_metric_that_the_exporter_reads_by_service_has_one() -> None:
    [service] = [job for job in write_cost._EXPORTER["customNamespace"] if job["name"] == "service"]

    sets = {one["name"]: write_cost._sets("service", one["name"]) for one in service["metrics"]}
    assert {name for name, count in sets.items() if not count} == set(ERRORS["classification"])
