"""A real Prometheus, filled with hours of made-up history under the names of the contract."""

import math
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
import yaml

from monitoring.programs import CHECKOUT, program, run
from servers.running import free_port

HOURS = 6
MINUTES = HOURS * 60
_RULES = CHECKOUT / "monitoring/prometheus"
_PASSES = 3  # promtool fills no rule from another of the same run, and they are three deep
_COLUMNS = ("MedInc", "HouseAge", "AveRooms", "AveOccup", "Latitude", "MedHouseVal")
_JOB_ENDS = (60, 150, 240, 330)
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
    config.write_text(yaml.safe_dump({"rule_files": rules, "global": {"evaluation_interval": "5s"}}))
    for _ in range(_PASSES):
        with _running(config, data) as url:
            times = [f"--start={now - MINUTES * 60}", f"--end={now}", "--eval-interval=1m"]
            fill = ["tsdb", "create-blocks-from", "rules", *times, f"--url={url}"]
            run("promtool", *fill, f"--output-dir={data}", rules[0])
    with _running(config, data) as url:
        _wait_until_an_alert_fires(url)
        yield url


@contextmanager
def _running(config: Path, data: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
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
    firing = {"query": 'ALERTS{alertstate="firing"}'}
    while time.monotonic() < deadline:
        found = urllib3.request("GET", f"{url}/api/v1/query", fields=firing, timeout=5).json()
        if found["data"]["result"]:
            return
        time.sleep(0.1)
    pytest.fail("no alert fires over the history, though it has some to tell of")


def _open_metrics(start: int) -> str:
    """Write all series by the minute, up to now: Prometheus appends nothing before a block ends."""
    lines = []
    for name, value in _series().items():
        for minute in range(MINUTES + 1):
            found = value(minute)
            if found is not None:
                lines.append(f"{name} {found:.10g} {start + minute * 60}")
    return "\n".join([*lines, "# EOF\n"])


def _series() -> dict[str, Value]:
    chance = random.Random(7)
    load = [600 + 250 * math.sin(m / 57) + chance.uniform(-40, 40) for m in range(MINUTES + 60)]
    noise = [chance.uniform(0.9, 1.1) for _ in load]
    total = [sum(load[: m + 1]) for m in range(len(load))]

    def share(of_all: float) -> Value:
        return lambda m: round(total[m] * of_all)

    def after_outage(of_all: float) -> Value:
        return lambda m: round((total[min(max(m, 200), 230)] - total[200]) * of_all)

    def jobs(*, ends: tuple[int, ...] = _JOB_ENDS, each: int = 1, delay: int = 0) -> Value:
        return lambda m: sum(each for end in ends if m >= end + delay)

    def of_job(*values: float) -> Value:
        return lambda m: values[sum(m >= end for end in _JOB_ENDS) - 1] if m >= 60 else None

    slow = [3.0 if 200 <= m < 230 else 1.0 for m in range(len(load))]
    drift = {c: chance.uniform(0.01, 0.12) for c in _COLUMNS}
    found: dict[str, Value] = {
        "prediction_requests_total": lambda m: round(total[m]),
        "prediction_success_total": share(0.98),
        'prediction_error_total{reason="invalid_fields"}': share(0.015),
        'prediction_error_total{reason="unauthorized"}': share(0.005),
        'prediction_error_total{reason="store_unavailable"}': after_outage(0.04),
        "prediction_latency_seconds_count": share(0.98),
        "prediction_latency_seconds_sum": share(0.98 * 0.006),
        "housing_rows_predicted_total": share(4.2),
        "housing_cold_starts_total": lambda m: m // 7,
        "housing_model_stale": lambda m: float(200 <= m < 230),
        "housing_model_age_seconds": lambda m: (m - 240 if m > 240 else m + 4_000) * 60.0,
        "housing_uploads_received_total": jobs(delay=-3),
        "housing_jobs_started_total": jobs(delay=-3),
        "housing_jobs_succeeded_total": jobs(ends=(60, 240, 330)),
        "housing_jobs_rejected_total": jobs(ends=(150,)),
        "housing_jobs_failed_total": lambda _: 0,
        "housing_rows_accepted_total": jobs(ends=(60, 240, 330), each=2_400),
        "housing_rows_rejected_total": jobs(each=70),
        "housing_models_promoted_total": jobs(ends=(60, 240)),
        "housing_job_seconds": of_job(74, 21, 88, 95),
        "housing_challenger_rmse": of_job(0.431, 0.431, 0.402, 0.409),
        "housing_champion_rmse": of_job(0.446, 0.446, 0.431, 0.402),
        "housing_live_rmse": of_job(0.452, 0.452, 0.47, 0.548),
        "housing_interval_coverage": of_job(0.91, 0.91, 0.88, 0.77),
        "housing_drifted_columns": of_job(0, 0, 0, 1),
        "housing_shadow_requests_total": share(0.1),
        "housing_shadow_errors_total": lambda _: 0,
        "housing_shadow_timed_out_total": share(0.0004),
        "housing_shadow_difference": lambda m: 0.11 * noise[m],
        "housing_shadow_difference_worst": lambda m: 0.8 * noise[m],
        "housing_api_requests_total": share(1.05),
        "housing_api_4xx_total": share(0.07),
        "housing_api_5xx_total": after_outage(0.04),
        'housing_api_latency_seconds{quantile="0.99"}': lambda m: 0.09 * noise[m] * slow[m],
    }
    for bound, at in (("lowest", 241), ("highest", 240)):
        found[f'housing_model_version{{bound="{bound}"}}'] = lambda m, at=at: 5 + (m >= at)
    for quantile, seconds in (("0.5", 0.004), ("0.9", 0.011), ("0.99", 0.19)):
        found[f'prediction_latency_seconds{{quantile="{quantile}"}}'] = (
            lambda m, s=seconds: s * noise[m] * slow[m]
        )
        found[f'housing_shadow_latency_seconds{{quantile="{quantile}"}}'] = (
            lambda m, s=seconds: s * noise[m] / 2
        )
    for column in _COLUMNS:
        last = 0.41 if column == "MedInc" else drift[column]
        found[f'housing_drift_psi{{column="{column}"}}'] = of_job(*[drift[column]] * 3, last)
        found[f'housing_drift_ks{{column="{column}"}}'] = of_job(*[drift[column] / 2] * 3, last / 2)
    for name in ("housing-predict", "housing-retrain"):
        is_predict = name == "housing-predict"
        found[f'housing_function_errors_total{{function="{name}"}}'] = lambda m, p=is_predict: (
            (m >= 350) * 6 if p else 0
        )
        found[f'housing_function_throttles_total{{function="{name}"}}'] = lambda _: 0
        found[f'housing_function_concurrency{{function="{name}"}}'] = lambda m, p=is_predict: (
            round(load[m] / 150) if p else m % 5 == 0
        )
        found[f'housing_function_duration_seconds{{function="{name}",quantile="0.99"}}'] = (
            lambda m, p=is_predict: (0.2 * slow[m] if p else 0.4) * noise[m]
        )
    return dict(sorted(found.items()))
