"""A real Prometheus, filled with hours of made-up history under the names of the contract."""

import math
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import pytest
import urllib3
import yaml

from housing.schema import CANONICAL_HEADER
from monitoring.programs import CHECKOUT, program, run
from servers.running import free_port

HOURS = 6
MINUTES = HOURS * 60
_RULES = CHECKOUT / "monitoring/prometheus"
_PASSES = 3  # promtool fills no rule from another of the same run, and they are three deep
_JOB_ENDS = (60, 150, 240, 330)
_AWAY, _BACK = 200, 230  # the registry's outage
_CHANCE = random.Random(7)
_LOAD = [600 + 250 * math.sin(m / 57) + _CHANCE.uniform(-40, 40) for m in range(MINUTES + 1)]
_NOISE = [_CHANCE.uniform(0.9, 1.1) for _ in _LOAD]
_TOTAL = list(accumulate(_LOAD))
_UP_WITHIN_SECONDS = 30
Value = Callable[[int], float | None]


@contextmanager
def filled_prometheus(folder: Path) -> Iterator[str]:
    """Yield the URL of a Prometheus that has the history, and the rules evaluated over it."""
    data = folder / "data"
    now = int(time.time()) // 60 * 60
    history = folder / "history.txt"
    history.write_text(_open_metrics(now - MINUTES * 60))
    run("promtool", "tsdb", "create-blocks-from", "openmetrics", str(history), str(data))
    config = folder / "prometheus.yaml"
    rules = [str(_RULES / name) for name in ("slo.yaml", "alerts.yaml")]
    config.write_text(
        yaml.safe_dump({"rule_files": rules, "global": {"evaluation_interval": "5s"}})
    )
    for _ in range(_PASSES):
        with running_prometheus(config, data) as url:
            times = [f"--start={now - MINUTES * 60}", f"--end={now}", "--eval-interval=1m"]
            fill = ["tsdb", "create-blocks-from", "rules", *times, f"--url={url}"]
            run("promtool", *fill, f"--output-dir={data}", rules[0])
    with running_prometheus(config, data) as url:
        _wait_until_an_alert_fires(url)
        yield url


@contextmanager
def running_prometheus(config: Path, data: Path, binary: Path | None = None) -> Iterator[str]:
    """Yield the URL of a Prometheus over a configuration and a folder of data."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        program(str(binary) if binary else "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=60d",
        f"--web.listen-address={address}",
    ]
    log = config.with_suffix(".log")
    with log.open("ab") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            _wait_until_ready(f"http://{address}", process, log)
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _UP_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if urllib3.request("GET", f"{url}/-/ready", retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"Prometheus did not come up: {log.read_text()[-2_000:]}")


def _wait_until_an_alert_fires(url: str) -> None:
    deadline = time.monotonic() + _UP_WITHIN_SECONDS
    firing = {"query": 'ALERTS{alertstate="firing",alertname!="Watchdog"}'}
    while time.monotonic() < deadline:
        answer = urllib3.request("GET", f"{url}/api/v1/query", fields=firing, timeout=5).json()
        if answer["data"]["result"]:
            return
        time.sleep(0.1)
    pytest.fail("no alert fires over the history, though it has some to tell of")


def _open_metrics(start: int) -> str:
    """Write all series by the minute, up to now: Prometheus appends nothing before a block ends."""
    lines = []
    for name, value in _series().items():
        for minute in range(MINUTES + 1):
            sample = value(minute)
            if sample is not None:
                lines.append(f"{name} {sample:.10g} {start + minute * 60}")
    return "\n".join([*lines, "# EOF\n"])


def _share(of_all: float) -> Value:
    return lambda m: round(_TOTAL[m] * of_all)


def _of_outage(of_all: float) -> Value:
    return lambda m: round((_TOTAL[min(max(m, _AWAY), _BACK)] - _TOTAL[_AWAY]) * of_all)


def _jobs(*, ends: tuple[int, ...] = _JOB_ENDS, each: int = 1, delay: int = 0) -> Value:
    return lambda m: sum(each for end in ends if m >= end + delay)


def _of_job(*values: float) -> Value:
    return lambda m: values[sum(m >= end for end in _JOB_ENDS) - 1] if m >= _JOB_ENDS[0] else None


def _risen(before: float, after: float, at: int = 0) -> Value:
    return lambda m: after if m >= at else before


def _noisy(value: float, *, in_outage: float = 1) -> Value:
    return lambda m: value * _NOISE[m] * (in_outage if _AWAY <= m < _BACK else 1)


def _series() -> dict[str, Value]:
    return {
        "prediction_requests_total": _share(1),
        "prediction_success_total": _share(0.98),
        'prediction_error_total{reason="invalid_fields"}': _share(0.015),
        'prediction_error_total{reason="unauthorized"}': _share(0.005),
        'prediction_error_total{reason="store_unavailable"}': _of_outage(0.04),
        'prediction_latency_seconds{quantile="0.5"}': _noisy(0.004, in_outage=3),
        'prediction_latency_seconds{quantile="0.9"}': _noisy(0.011, in_outage=3),
        'prediction_latency_seconds{quantile="0.99"}': _noisy(0.19, in_outage=3),
        "prediction_latency_seconds_count": _share(0.98),
        "prediction_latency_seconds_sum": _share(0.98 * 0.006),
        "housing_rows_predicted_total": _share(4.2),
        "housing_cold_starts_total": lambda m: m // 7,
        "housing_model_stale": lambda m: float(_AWAY <= m < _BACK),
        "housing_model_age_seconds": lambda m: (m - 240 if m > 240 else m + 4_000) * 60.0,
        'housing_model_version{bound="lowest"}': _risen(5, 6, 241),
        'housing_model_version{bound="highest"}': _risen(5, 6, 240),
        "housing_fast_trees": _risen(1, 1),
        "housing_uploads_received_total": _jobs(delay=-3),
        "housing_jobs_started_total": _jobs(delay=-3),
        "housing_jobs_succeeded_total": _jobs(ends=(60, 240, 330)),
        "housing_jobs_rejected_total": _jobs(ends=(150,)),
        "housing_jobs_failed_total": _risen(0, 0),
        "housing_rows_accepted_total": _jobs(ends=(60, 240, 330), each=2_400),
        "housing_rows_rejected_total": _jobs(each=70),
        "housing_models_promoted_total": _jobs(ends=(60, 240)),
        "housing_job_seconds": _of_job(74, 21, 88, 95),
        "housing_challenger_rmse": _of_job(0.431, 0.431, 0.402, 0.409),
        "housing_champion_rmse": _of_job(0.446, 0.446, 0.431, 0.402),
        "housing_live_rmse": _of_job(0.452, 0.452, 0.47, 0.548),
        "housing_challenger_log_loss": _of_job(0.081, 0.081, 0.078, 0.079),
        "housing_champion_log_loss": _of_job(0.084, 0.084, 0.081, 0.078),
        "housing_live_log_loss": _of_job(0.083, 0.083, 0.086, 0.107),
        "housing_interval_coverage": _of_job(0.91, 0.91, 0.88, 0.77),
        "housing_drifted_columns": _of_job(0, 0, 0, 1),
        "housing_shadow_requests_total": _share(0.1),
        "housing_shadow_errors_total": _risen(0, 0),
        "housing_shadow_timed_out_total": _share(0.0004),
        "housing_shadow_difference": _noisy(0.11),
        "housing_shadow_difference_worst": _noisy(0.8),
        'housing_shadow_latency_seconds{quantile="0.5"}': _noisy(0.002),
        'housing_shadow_latency_seconds{quantile="0.99"}': _noisy(0.01),
        "housing_api_requests_total": _share(1.05),
        "housing_api_4xx_total": _share(0.07),
        "housing_api_5xx_total": _of_outage(0.04),
        'housing_api_latency_seconds{quantile="0.99"}': _noisy(0.09, in_outage=3),
        **_drift(),
        **_functions(),
    }


def _drift() -> dict[str, Value]:
    values: dict[str, Value] = {}
    for i, column in enumerate(CANONICAL_HEADER):
        psi = 0.01 + 0.012 * i
        last = 0.41 if column == "MedInc" else psi
        values[f'housing_drift_psi{{column="{column}"}}'] = _of_job(psi, psi, psi, last)
        values[f'housing_drift_ks{{column="{column}"}}'] = _of_job(
            psi / 2, psi / 2, psi / 2, last / 2
        )
    return values


def _functions() -> dict[str, Value]:
    duration = "housing_function_duration_seconds"
    predict, retrain = 'function="housing-predict"', 'function="housing-retrain"'
    return {
        f"housing_function_errors_total{{{predict}}}": _risen(0, 6, 350),
        f"housing_function_errors_total{{{retrain}}}": _risen(0, 0),
        f"housing_function_throttles_total{{{predict}}}": _risen(0, 0),
        f"housing_function_throttles_total{{{retrain}}}": _risen(0, 0),
        f"housing_function_concurrency{{{predict}}}": lambda m: round(_LOAD[m] / 150),
        f"housing_function_concurrency{{{retrain}}}": lambda m: m % 5 == 0,
        f'{duration}{{{predict},quantile="0.99"}}': _noisy(0.2, in_outage=3),
        f'{duration}{{{retrain},quantile="0.99"}}': _noisy(0.4),
    }
