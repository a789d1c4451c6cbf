"""docs/scale.md says what was measured, and what the template and the settings have."""

import json
import re
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from predict.settings import PredictSettings
from retrain.training.settings import TrainingSettings

PAGE = (CHECKOUT / "docs/scale.md").read_text()
GIB = 1 << 30


def row(beginning: str) -> str:
    """Return the row of a table that begins so."""
    matching = [line for line in PAGE.splitlines() if line.startswith(f"| {beginning} |")]
    assert len(matching) == 1, beginning
    return matching[0]


def result(name: str) -> Any:
    return json.loads((CHECKOUT / f"benchmarks/results/{name}.json").read_text())


@pytest.fixture(scope="module")
def parameters() -> dict[str, Any]:
    declared = load(CHECKOUT / "infra/template.yaml")["Parameters"]
    return {name: one["Default"] for name, one in declared.items()}


def test_measured_figures_are_those_of_the_results() -> None:
    serve, soak, ingest, model = (result(name) for name in ("serve", "soak", "ingest", "model"))
    one, thousand = (serve["in_process"][rows]["lambda_handler_us"] for rows in ("1", "1000"))
    service = serve["servers"]["this service"]
    large, part = ingest["large"], sorted(ingest["times"]["seconds"]["part"])

    assert f"{one['p50']:.0f} µs" in row("work of a request for one price")
    assert f"{one['p99']:.0f} µs" in row("work of a request for one price")
    assert f"{thousand['p50'] / 1e3:.1f} ms" in row("work of a request for 1,000 prices")
    assert f"{service['requests_per_second']:,.0f} requests/s" in PAGE
    assert f"{result('cold')['first_answer_ms']['ours']['median']:.0f} ms" in PAGE
    assert f"{soak['requests']:,} requests" in row("ten minutes without a pause")
    assert f"{soak['rss_mb_by_tenth'][-1]} MB" in row("ten minutes without a pause")
    assert soak["failed"] == 0
    assert f"{model['job']['megabytes']:.2f} MB" in row("model file")
    assert f"{model['job']['seconds']:.0f} s on one core" in PAGE
    assert f"{ingest['rows']:,} rows in {part[len(part) // 2]:.2f} s" in row("check of an upload")
    memory = f"{large['peak_megabytes']:.0f} MB for {large['gigabytes']:.2f} GB"
    assert memory in row("memory of the check")
    assert f"{large['rows']:,} rows, in {large['seconds']:.0f} s" in row("memory of the check")


def test_simulated_figures_are_those_of_the_results() -> None:
    runs = result("fleet")["runs"]
    rates = row("40, 400 and 4,000 requests/s")

    assert [run["rate"] for run in runs] == [40, 400, 4_000]
    few, more, most = (f"{run['sandboxes']:,}" for run in runs)
    assert f"{few}, {more} and {most} sandboxes" in rates
    shares = [f"{100 * run['cold_share']:.2f}".lstrip("0") for run in runs]
    assert f"{shares[0]}, {shares[1]} and {shares[2]} % of the requests" in rates
    assert f"{runs[2]['refused_share']:.1%}".replace("%", " %") in rates
    assert [run["refused_share"] for run in runs[:2]] == [0, 0]


def test_limits_set_by_the_template_are_its_values(parameters: dict[str, Any]) -> None:
    for rate, burst in (
        ("ThrottleRate", "ThrottleBurst"),
        ("StageThrottleRate", "StageThrottleBurst"),
    ):
        set_here = f"{parameters[rate]:,}, bursts of {parameters[burst]:,} | set: `{rate}`"
        assert set_here in PAGE
    assert f"{parameters['TrainingTimeoutSeconds']:,} s" in row("an attempt")
    assert f"one every {parameters['ModelTtlSeconds']} s" in row("look-ups of the alias")
    vcpus, memory = parameters["TrainingVcpus"], int(parameters["TrainingMemoryMb"])
    assert f"{vcpus} and {memory:,} MB" in row("processors and memory of a job")
    resources = load(CHECKOUT / "infra/template.yaml")["Resources"].values()
    most = {
        resource["Properties"]["ComputeResources"]["MaxvCpus"]
        for resource in resources
        if resource["Type"] == "AWS::Batch::ComputeEnvironment"
    }
    assert [f"| {count} |" in row("processors of all jobs") for count in most] == [True]


def test_limits_set_by_a_setting_are_its_default() -> None:
    predict, training = PredictSettings.model_fields, TrainingSettings.model_fields

    assert f"| {predict['max_batch_rows'].default:,} |" in row("rows of a request")
    assert f"{predict['logged_predictions_per_second'].default:.0f} a second" in PAGE
    assert f"{predict['registry_timeout_seconds'].default:.0f} s at most" in PAGE
    assert predict["api_keys_ttl_seconds"].default == 60
    assert f"{training['max_upload_bytes'].default // GIB} GiB" in row("an upload")
    unpacked = training["max_unpacked_bytes"].default // GIB
    assert f"{unpacked} GiB" in row("unpacked size of a `.csv.gz`")
    assert f"{training['neighbour_rows'].default:,} rows" in PAGE


def test_the_metrics_that_are_kept_are_those_of_the_cost_page() -> None:
    [kept] = re.findall(r"^(\d+) metrics, ", (CHECKOUT / "docs/cost.md").read_text(), re.MULTILINE)

    assert f"| {kept}, whatever" in row("metrics kept")


def test_every_parameter_and_variable_that_is_named_exists(parameters: dict[str, Any]) -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)(?:=\w+)?`", PAGE))
    variables = set(re.findall(r"`(HOUSING_[A-Z_]+)`", PAGE))
    known = (CHECKOUT / "docs/configuration.md").read_text()
    others = {"MaxvCpus", "GetMetricData", "ConcurrentExecutions", "JobSeconds"}
    others |= {"FunctionThrottles", "TrainingJobSlow"}

    assert named - parameters.keys() <= others
    assert [variable for variable in variables if f"`{variable}`" not in known] == []


def test_every_number_says_which_kind_it_is_and_quotas_name_their_page() -> None:
    rows = [
        line.split(" | ")[-1]
        for line in PAGE.split("## Changes for more load")[0].splitlines()
        if line.startswith("| ") and not line.startswith(("| part", "| ---"))
    ]
    sources = set(re.findall(r"^(\d)\. <", PAGE, re.MULTILINE))
    of_the_system = ("set", "quota", "measured", "by design", "counted", "simulated")
    kinds = (*of_the_system, "X-Ray's own", "your own")

    assert len(rows) > 30
    assert [kind for kind in rows if not kind.startswith(kinds)] == []
    assert all(re.findall(r"\[\d\]", kind) for kind in rows if "quota" in kind)
    assert set(re.findall(r"\[(\d)\]", PAGE)) == sources
