"""Each request of MLflow's clients: answered as by MLflow's server, or otherwise for a reason."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.mlflow_requests import Sent, requests
from housing_ops.checkout import CHECKOUT
from servers.scoring_servers import scoring_servers

REQUESTS = requests()
PAGE = (CHECKOUT / "docs/using.md").read_text()
VALUES = "values that are missing, not finite, text, true or false, or out of range"
TWICE = "a duplicate name in an object or a header"
LONG = "CSV rows that are all longer than the header"
PACKED = "UTF-16, `Content-Encoding`, Parquet"
MANY = "over 10,000 rows"
NAMELESS = "lists without names, in `instances`, `inputs` and `dataframe_records`"
LEFT_OUT = "an index or an unknown column of another length, unknown keys of `dataframe_split`"
TYPES = "`Content-Type` in any case, with quotes, other parameters, `utf8` or `us-ascii`"
SPACES = "spaces after the commas of a CSV"
METHODS = "`HEAD`, `OPTIONS` and slashes at the end of a path"
PAGE_AT_ROOT = "`GET /`"
ACCEPT = "`Accept: text/csv` and `application/jsonlines`, `text/csv; header=absent`"
STRICTER = (VALUES, TWICE, LONG, PACKED, MANY)
LOOSER = (NAMELESS, LEFT_OUT, TYPES, SPACES, METHODS, PAGE_AT_ROOT, ACCEPT)
JSON_TYPES = (
    *(' ; charset="utf-8"', "; charset=utf8", "; charset=us-ascii", "; something=x"),
    *("; charset=utf-8; something=x", ";", "; ", "; format=pandas-split"),
    "; format=pandas-records",
)
DIFFERENCES: dict[str, set[str]] = {
    VALUES: {
        *(f"records, {what}" for what in ("missing in one row", "all nulls", "null", "true")),
        *(f"records, {what}" for what in ("number as text", "negative", "NaN", "Infinity")),
        *(f"records, {what}" for what in ("latitude out of range", "1e400")),
        *(f"{form}, null in a column" for form in ("instances", "inputs")),
        *(f"csv, cell {cell!r}" for cell in ("", "NaN", "NA", "inf", "true")),
        "csv, row too short",
    },
    TWICE: {"records, key twice", "csv, column twice"},
    LONG: {"csv, all rows too long"},
    PACKED: {"text, UTF-16", "packed body", "type 'application/vnd.apache.parquet'"},
    MANY: {"10,001 rows"},
    NAMELESS: {"records of lists", "instances, lists", "inputs, lists"},
    LEFT_OUT: {
        *(f"split, {what}" for what in ("index too short", "unknown key", "orient=tight")),
        *(f"{form}, extra column of other length" for form in ("instances", "inputs")),
    },
    TYPES: {
        *(f"type {'application/json' + more!r}" for more in JSON_TYPES),
        *(f"type {name!r}" for name in ("APPLICATION/JSON", "Application/Json")),
        *(f"CSV as {name!r}" for name in ("TEXT/CSV", "text/csv; header=present")),
    },
    SPACES: {"csv, spaces after commas"},
    METHODS: {
        *(f"HEAD {path}" for path in ("/ping", "/health", "/version")),
        *(f"OPTIONS {path}" for path in ("/invocations", "/ping", "/health", "/version")),
        *(f"GET {path}/" for path in ("/invocations", "/ping", "/health", "/version")),
        "POST /invocations/",
    },
    PAGE_AT_ROOT: {"GET /"},
    ACCEPT: {
        "accept text/csv",
        "accept application/jsonlines",
        "CSV as 'text/csv; header=absent'",
    },
}
OF_REQUEST = {name: what for what, names in DIFFERENCES.items() for name in names}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with scoring_servers(tmp_path_factory.mktemp("scoring")) as both:
        yield both


def answered(server: Any, sent: Sent) -> tuple[int, Any]:
    headers = dict(sent.headers)
    if sent.content_type is not None:
        headers["content-type"] = sent.content_type
    answer = server.request(sent.method, sent.path, content=sent.body, headers=headers)
    is_json = answer.status_code == 200 and answer.headers.get("content-type") == "application/json"
    return answer.status_code, answer.json() if is_json and sent.path == "/invocations" else None


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_mlflow_answers_it_or_differs_for_a_named_reason(
    servers: SimpleNamespace, name: str
) -> None:
    ours, theirs = (answered(server, REQUESTS[name]) for server in (servers.ours, servers.mlflow))

    if name not in OF_REQUEST:
        assert ours == theirs
        return
    assert ours != theirs
    if OF_REQUEST[name] in STRICTER:
        assert 400 <= ours[0] < 500
    elif theirs[0] == 200:
        assert ours == (200, None)  # in the form that is asked for


def test_the_page_has_every_reason_and_no_other() -> None:
    shown = re.findall(r"^\| (stricter|looser) \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)

    wanted = [*(("stricter", what) for what in STRICTER), *(("looser", what) for what in LOOSER)]
    assert shown == wanted
    assert set(OF_REQUEST) <= REQUESTS.keys()
    assert len(REQUESTS) >= 256
