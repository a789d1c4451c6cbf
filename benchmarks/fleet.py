"""``make bench-fleet``: simulate Lambda's sandboxes, request by request, for docs/scale.md.

Requests arrive at random (a Poisson process). One takes the sandbox that was idle for the shortest
time; without one a new sandbox is started, as fast as Lambda's quotas allow, and else the request
is refused. What is measured here is the time of a request and of a first answer; Lambda's own part
of both is assumed, and so is the time for which an idle sandbox is kept.
"""

import heapq
import json
import os
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import yaml

from benchmarks import report
from housing_ops.checkout import CHECKOUT

_RATES = (40, 400, 4_000)
_SECONDS = int(os.environ.get("SECONDS", "600"))
_SECONDS_OF_A_MONTH = 2_629_800
_PROCESSOR_SHARE = 1_024 / 1_769
_SEED = 0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the simulation takes for Lambda, in milliseconds where nothing else is named.

    Attributes:
        concurrency: Sandboxes of the account (quota).
        new_sandboxes: Of a function in ten seconds (quota).
        requests_per_sandbox: A second, for each sandbox of the quota (quota).
        own_ms: Lambda's part of a warm request; assumed.
        start_ms: The same of a new sandbox, before the function's code runs; assumed.
        idle_seconds: Time after which an idle sandbox ends; assumed.
        peak: The rate in the middle fifth of the time, in means.
    """

    concurrency: int = 1_000
    new_sandboxes: int = 1_000
    requests_per_sandbox: int = 10
    own_ms: float = 1.5
    start_ms: float = 150.0
    idle_seconds: float = 300.0
    peak: float = 4.0


def main() -> None:
    """Simulate each rate, print the table and write it down."""
    assumed, measured = Assumptions(), _measured()
    prices = yaml.safe_load((CHECKOUT / "tools/docs/prices.yaml").read_text())
    runs = [_simulated(rate, assumed, measured, prices) for rate in _RATES]
    results = {"assumed": asdict(assumed), "measured": measured, "runs": runs, "seconds": _SECONDS}
    text = _text(results)
    print(text)
    report.write("fleet", results, text)


def _measured() -> dict[str, float]:
    """Return the measured times, in milliseconds of a whole processor."""
    folder = report.FOLDER / "results"
    serve = json.loads((folder / "serve.json").read_text())
    cold = json.loads((folder / "cold.json").read_text())
    one = serve["in_process"]["1"]["lambda_handler_us"]
    return {
        "p50_ms": one["p50"] / 1e3,
        "p99_ms": one["p99"] / 1e3,
        "first_answer_ms": cold["first_answer_ms"]["ours"]["median"],
    }


def _simulated(
    rate: int, assumed: Assumptions, measured: dict[str, float], prices: dict[str, Any]
) -> dict[str, Any]:
    """Simulate a rate from no sandbox on, with a peak in the middle."""
    random = np.random.default_rng(_SEED)
    fifth = _SECONDS / 5
    spans = (
        (0.0, 2 * fifth, 1.0),
        (2 * fifth, 3 * fifth, assumed.peak),
        (3 * fifth, _SECONDS, 1.0),
    )
    arrivals = np.concatenate(
        [
            np.sort(random.uniform(begin, end, random.poisson(rate * times * (end - begin))))
            for begin, end, times in spans
        ]
    )
    own = _service_ms(random, len(arrivals), measured) / _PROCESSOR_SHARE
    times = (assumed.own_ms + own) / 1e3
    first = (assumed.start_ms + measured["first_answer_ms"]) / 1e3
    fleet = _Fleet(assumed)
    latencies = np.array(
        [
            fleet.answer(at, time, first)
            for at, time in zip(arrivals.tolist(), times.tolist(), strict=True)
        ]
    )
    answered = latencies[np.isfinite(latencies)] * 1e3
    after = arrivals[np.isfinite(latencies)] > 1.0
    # Lambda bills whole milliseconds; since August 2025 the time of a new sandbox's start, too.
    billed = np.ceil(answered - (answered > first * 1e3) * assumed.start_ms)
    monthly = rate * _SECONDS_OF_A_MONTH
    gigabyte_seconds = float(billed.mean()) / 1e3 * monthly
    return {
        "rate": rate,
        "requests": len(arrivals),
        "p50_ms": float(np.quantile(answered, 0.5)),
        "p99_ms": float(np.quantile(answered, 0.99)),
        "p9999_ms": float(np.quantile(answered, 0.9999)),
        "p9999_after_a_second_ms": float(np.quantile(answered[after], 0.9999)),
        "cold_share": fleet.started / len(arrivals),
        "refused_share": fleet.refused / len(arrivals),
        "sandboxes": fleet.most,
        "lambda_dollars_a_month": gigabyte_seconds * prices["lambda_gb_second"]["price"]
        + monthly / 1e6 * prices["lambda_million"]["price"],
    }


def _service_ms(
    random: np.random.Generator, count: int, measured: dict[str, float]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw times of requests: log-normal with the measured median and 99th percentile."""
    spread = np.log(measured["p99_ms"] / measured["p50_ms"]) / 2.3263
    return random.lognormal(np.log(measured["p50_ms"]), spread, count)


class _Fleet:
    """The sandboxes of a function."""

    def __init__(self, assumed: Assumptions) -> None:
        self._assumed = assumed
        self._busy: list[float] = []
        self._idle: deque[float] = deque()
        """Times since which sandboxes are idle, ascending."""
        self._may_start, self._counted_at = float(assumed.new_sandboxes), 0.0
        self._second, self._of_second = -1, 0
        self.started = self.refused = self.most = 0

    def answer(self, at: float, time: float, first: float) -> float:
        """Return the seconds until the answer; infinity if the request is refused."""
        while self._busy and self._busy[0] <= at:
            self._idle.append(heapq.heappop(self._busy))
        while self._idle and self._idle[0] < at - self._assumed.idle_seconds:
            self._idle.popleft()
        if not self._takes(at):
            self.refused += 1
            return float("inf")
        if self._idle:
            self._idle.pop()
        elif self._starts(at):
            time += first
        else:
            self.refused += 1
            return float("inf")
        heapq.heappush(self._busy, at + time)
        self.most = max(self.most, len(self._busy) + len(self._idle))
        return time

    def _takes(self, at: float) -> bool:
        """Return whether the quota on requests a second admits one more."""
        if int(at) != self._second:
            self._second, self._of_second = int(at), 0
        self._of_second += 1
        return self._of_second <= self._assumed.requests_per_sandbox * self._assumed.concurrency

    def _starts(self, at: float) -> bool:
        """Return whether a new sandbox may be started; count it."""
        most = float(self._assumed.new_sandboxes)
        grown = (at - self._counted_at) * most / 10
        self._may_start, self._counted_at = min(most, self._may_start + grown), at
        if len(self._busy) >= self._assumed.concurrency or self._may_start < 1:
            return False
        self._may_start -= 1
        self.started += 1
        return True


def _text(results: dict[str, Any]) -> str:
    measured, assumed = results["measured"], results["assumed"]
    rows = [
        [
            f"{run['rate']:,}",
            f"{run['p50_ms']:.1f}",
            f"{run['p99_ms']:.1f}",
            f"{run['p9999_ms']:.0f}",
            f"{run['cold_share']:.4%}",
            f"{run['refused_share']:.2%}",
            f"{run['sandboxes']:,}",
            f"{run['lambda_dollars_a_month']:,.0f}",
        ]
        for run in results["runs"]
    ]
    head = (
        f"{results['seconds']} s from no sandbox on, {assumed['peak']:g} times the mean in the "
        f"middle fifth. Measured: a request's {measured['p50_ms']:.3f} ms at the median and "
        f"{measured['p99_ms']:.3f} of 100 the slowest, on a whole processor, here divided by the "
        f"{_PROCESSOR_SHARE:.2f} of 1,024 MB; a first answer of {measured['first_answer_ms']:.0f} "
        f"ms. Assumed, not measured: {assumed['own_ms']} ms of Lambda's own in each request and "
        f"{assumed['start_ms']:.0f} ms before a new sandbox runs the function, and "
        f"{assumed['idle_seconds']:.0f} s until an idle one ends. Quotas as in docs/scale.md."
    )
    names = ["requests/s", "p50, ms", "p99, ms", "1 of 10,000, ms", "cold", "refused"]
    table = report.table([*names, "sandboxes", "Lambda, $ a month"], rows)
    return f"{head}\n\n{table}"


if __name__ == "__main__":
    main()
