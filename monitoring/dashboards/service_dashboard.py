"""The dashboard of the service: is it up, is it right, is it fast, and what is it busy with."""

from typing import Any

from panels import Limits, Panel, dashboard

_RATE = "[$__rate_interval]"
_ERROR_BUDGET, _LATENCY_BUDGET = "0.001", "0.01"
_BURN = Limits(warning=6, critical=14.4)
_SLOW_SECONDS = 0.5

_NOW = [
    Panel(
        "Requests",
        "Requests for predictions a second, over five minutes.",
        "reqps",
        {"requests": "sum(rate(prediction_requests_total[5m]))"},
        kind="stat",
        width=4,
        height=4,
        decimals=2,
    ),
    Panel(
        "Errors of ours, 1 h",
        "Share of the last hour's requests that were answered with a status of 500 or more.",
        "percentunit",
        {"errors": "service:prediction_errors:ratio1h"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=0.006, critical=0.0144),
        decimals=2,
    ),
    Panel(
        "p99 latency",
        "Of the newest minute: 99 of 100 answers took no longer. Measured inside the function.",
        "s",
        {"p99": 'max(prediction_latency_seconds{quantile="0.99"})'},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(critical=_SLOW_SECONDS),
    ),
    Panel(
        "Version served",
        "Of all processes of the newest minute. Two numbers that differ: not all have the new one.",
        "none",
        {
            "lowest": 'min(housing_model_version{bound="lowest"})',
            "highest": 'max(housing_model_version{bound="highest"})',
        },
        kind="stat",
        width=4,
        height=4,
        decimals=0,
    ),
    Panel(
        "Registry",
        "Whether the registry answers those that serve; if not, the last known version is served.",
        "none",
        {"registry": "max(housing_model_stale)"},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(warning=0.5),
        words={"0": "answers", "1": "away"},
    ),
    Panel(
        "Alerts that fire",
        "How many, of any severity. Each has an entry in docs/runbook.md.",
        "short",
        {"alerts": 'count(ALERTS{alertstate="firing",alertname!="Watchdog"}) or vector(0)'},
        kind="stat",
        width=4,
        height=4,
        limits=Limits(critical=1),
    ),
]
_REQUESTS = [
    Panel(
        "Requests by outcome",
        "Successes, and errors by whose they are: ours have a status of 500 or more.",
        "reqps",
        {
            "success": f"sum(rate(prediction_success_total{_RATE}))",
            "client error": f"rate(service:prediction_client_errors:total{_RATE})",
            "our error": f"rate(service:prediction_server_errors:total{_RATE})",
        },
        stacked=True,
        bottom=0,
    ),
    Panel(
        "Errors by reason",
        "The reason is the name of the error that predict raised.",
        "reqps",
        {"{{reason}}": f"sum by (reason) (rate(prediction_error_total{_RATE})) > 0"},
        stacked=True,
        bottom=0,
    ),
    Panel(
        "Latency",
        "Of successful predictions, inside the function; batches count like single ones. The line "
        "is the objective's limit.",
        "s",
        {
            "p99": 'max(prediction_latency_seconds{quantile="0.99"})',
            "p90": 'max(prediction_latency_seconds{quantile="0.9"})',
            "p50": 'max(prediction_latency_seconds{quantile="0.5"})',
            "mean": f"sum(rate(prediction_latency_seconds_sum{_RATE}))"
            f" / (sum(rate(prediction_latency_seconds_count{_RATE})) > 0)",
        },
        limits=Limits(critical=_SLOW_SECONDS),
        bottom=0,
    ),
]
_OBJECTIVES = [
    Panel(
        "Burn rate of the error budget",
        "1 uses up the month's budget (0.1 % of the requests) in a month. Alerts: 14.4 in an hour, "
        "6 in six, 1 in three days.",
        "suffix:x",
        {
            "1 h": f"service:prediction_errors:ratio1h / {_ERROR_BUDGET}",
            "6 h": f"service:prediction_errors:ratio6h / {_ERROR_BUDGET}",
            "3 d": f"service:prediction_errors:ratio3d / {_ERROR_BUDGET}",
        },
        width=12,
        limits=_BURN,
        bottom=0,
    ),
    Panel(
        "Burn rate of the latency budget",
        "The same for answers over 0.5 s (1 % of them); a lower bound, made of the quantiles.",
        "suffix:x",
        {
            "1 h": f"service:prediction_slow:ratio1h / {_LATENCY_BUDGET}",
            "6 h": f"service:prediction_slow:ratio6h / {_LATENCY_BUDGET}",
            "3 d": f"service:prediction_slow:ratio3d / {_LATENCY_BUDGET}",
        },
        width=12,
        limits=_BURN,
        bottom=0,
    ),
]
_LOAD = [
    Panel(
        "Rows predicted",
        "Rows predicted a second; more than requests where batches are sent.",
        "rowsps",
        {"rows": f"sum(rate(housing_rows_predicted_total{_RATE}))"},
        bottom=0,
    ),
    Panel(
        "Cold starts",
        "Requests that were the first of their process, in five minutes.",
        "short",
        {"cold starts": "sum(increase(housing_cold_starts_total[5m]))"},
        bars=True,
        bottom=0,
    ),
    Panel(
        "Concurrency",
        "Processes of each function that work at the same time.",
        "short",
        {"{{function}}": "max by (function) (housing_function_concurrency)"},
        bottom=0,
    ),
]
_PLATFORM = [
    Panel(
        "Function errors and throttles",
        "Invocations that failed as a whole or were refused, in 15 minutes. More than four errors: "
        "FunctionErrors.",
        "short",
        {
            "{{function}} errors": "sum by (function)"
            " (increase(housing_function_errors_total[15m]))",
            "{{function}} throttles": "sum by (function)"
            " (increase(housing_function_throttles_total[15m]))",
        },
        limits=Limits(critical=4),
        bottom=0,
    ),
    Panel(
        "Function duration, p99",
        "As Lambda bills it: start and answer included.",
        "s",
        {"{{function}}": 'max by (function) (housing_function_duration_seconds{quantile="0.99"})'},
        bottom=0,
    ),
    Panel(
        "API Gateway",
        "Answers a second by status. What the gateway refuses itself (no key, too many requests) "
        "is here only.",
        "reqps",
        {
            "all": f"sum(rate(housing_api_requests_total{_RATE}))",
            "4xx": f"sum(rate(housing_api_4xx_total{_RATE}))",
            "5xx": f"sum(rate(housing_api_5xx_total{_RATE}))",
        },
        bottom=0,
    ),
    Panel(
        "API Gateway latency, p99",
        "From the gateway's first byte to its last: what clients see, less the network.",
        "s",
        {"p99": 'max(housing_api_latency_seconds{quantile="0.99"})'},
        bottom=0,
    ),
    Panel(
        "Alerts",
        "Those that fire now, and since when what they tell of is so.",
        "s",
        {
            "for": "max by (alertname, severity) (time() - ALERTS_FOR_STATE)"
            ' and on(alertname, severity) ALERTS{alertstate="firing",alertname!="Watchdog"}'
        },
        kind="table",
        width=16,
        columns={"alertname": "alert", "severity": "severity"},
    ),
]


def service_dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    return dashboard(
        "housing-service",
        "Housing: service",
        "Predictions: requests, errors, latency, objectives and what carries them.",
        {
            "Now": _NOW,
            "Requests": _REQUESTS,
            "Objectives": _OBJECTIVES,
            "Load": _LOAD,
            "Platform": _PLATFORM,
        },
        since="now-6h",
    )
