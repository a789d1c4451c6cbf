import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_stack.bridge.embedded_metrics import BadLineError, Datum, data_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MS = int(NOW.timestamp() * 1_000)


def directive(**changed: Any) -> dict[str, Any]:
    given = {
        "Namespace": "Shop",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Orders", "Unit": "Count"}],
    }
    return {**given, **changed}


def line(*directives: Any, timestamp: Any = MS, **members: Any) -> str:
    metadata = {"Timestamp": timestamp, "CloudWatchMetrics": list(directives)}
    return json.dumps({"_aws": metadata, "service": "till", "Orders": 1, **members})


def test_a_value_is_extracted_with_unit_time_and_dimensions() -> None:
    data = data_of(line(directive()), NOW)

    assert data == [Datum("Shop", "Orders", (("service", "till"),), "Count", 60, NOW, (1.0,))]


def test_a_list_of_values_is_extracted_whole() -> None:
    [datum] = data_of(line(directive(), Orders=[1, 2.5, 2.5]), NOW)

    assert datum.values == (1.0, 2.5, 2.5)


def test_an_empty_list_of_values_gives_no_datum() -> None:
    assert data_of(line(directive(), Orders=[]), NOW) == []


def test_a_metric_is_extracted_once_per_set_of_dimensions_and_directive() -> None:
    both = directive(Dimensions=[[], ["service"], ["service", "reason"], ["reason", "service"]])
    other = directive(Namespace="Other", Metrics=[{"Name": "Seconds", "StorageResolution": 1}])

    data = data_of(line(both, other, reason="late", Seconds=3), NOW)

    assert [(d.namespace, d.name, dict(d.dimensions), d.unit, d.resolution) for d in data] == [
        ("Shop", "Orders", {}, "Count", 60),
        ("Shop", "Orders", {"service": "till"}, "Count", 60),
        ("Shop", "Orders", {"service": "till", "reason": "late"}, "Count", 60),
        ("Other", "Seconds", {"service": "till"}, "None", 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "START RequestId: 1",
        "",
        '{"message": "no metrics"}',
        '["_aws"]',
        '{"message": "says \\"_aws\\" only"}',
    ],
)
def test_a_line_without_metrics_gives_no_datum(text: str) -> None:
    assert data_of(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"_aws": ', "not JSON"),
        ('{"_aws": {}, "Orders": NaN}', "NaN is not a number"),
        ('{"_aws": ' + "[" * 100_000, "nested too deeply"),
        ('{"_aws": 1}', "_aws is not an object"),
        (line(directive(), timestamp="now"), "not a number of milliseconds"),
        (line(directive(), timestamp=True), "not a number of milliseconds"),
        (line(directive(), timestamp=10**30), "Timestamp is not a time"),
        (line(directive(), timestamp=MS - 15 * 86_400_000), "over 14 days ago"),
        (line(directive(), timestamp=MS + 3 * 3_600_000), "two hours ahead"),
        (line("x"), "a directive is not an object"),
        (line(directive(Namespace="")), "Namespace is not a text"),
        (line(directive(Dimensions=None)), "Dimensions is not a list"),
        (line(directive(Dimensions=["service"])), "a dimension set is not a list"),
        (line(directive(Dimensions=[["away"]])), "the dimension away is not a text"),
        (line(directive(Dimensions=[["Orders"]])), "the dimension Orders is not a text"),
        (line(directive(Dimensions=[["service"] * 31])), "31 names, over 30"),
        (line(directive(Metrics={})), "Metrics is not a list"),
        (
            line(directive(Metrics=[{"Name": "Orders"}] * 101)),
            "Metrics is not a list of at most 100",
        ),
        (line(directive(Metrics=[{"Name": "Away"}])), "Away has no value"),
        (line(directive(Metrics=[{"Name": "Orders", "Unit": "Parsec"}])), "Unit of Orders"),
        (line(directive(Metrics=[{"Name": "Orders", "Unit": ["Count"]}])), "Unit of Orders"),
        (line(directive(Metrics=[{"Name": "Orders", "StorageResolution": 5}])), "Resolution"),
        (line(directive(), Orders="1"), "Orders is not a number"),
        (line(directive(), Orders=True), "Orders is not a number"),
        (line(directive(), Orders=[1, None]), "Orders is not a number"),
        (line(directive(), Orders=10**400), "Orders is not finite"),
        (line(directive(), Orders=[1] * 101), "101 values, over 100"),
    ],
)
def test_a_bad_line_says_why(text: str, why: str) -> None:
    with pytest.raises(BadLineError, match=why):
        data_of(text, NOW)


def test_times_at_the_edge_are_taken() -> None:
    for at in (NOW - timedelta(days=14), NOW + timedelta(hours=2)):
        text = line(directive(), timestamp=int(at.timestamp() * 1_000))
        assert [datum.at for datum in data_of(text, NOW)] == [at]
