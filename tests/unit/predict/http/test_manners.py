"""HTTP's manners: methods, slashes, origins, encodings and what people's programs send."""

import asyncio
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from fakes.asgi_client import AsgiClient
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from housing.schema import FEATURE_NAMES
from predict.access.auth import OpenAccess
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

ROUTES = ("/predict", "/predict/batch", "/invocations")
HEADER = ",".join(FEATURE_NAMES)
ROW = "8.3252,41,6.98,1.02,322,2.56,37.88,-122.23"
JSON = {"content-type": "application/json"}


def bodies(block_group: Mapping[str, float]) -> dict[str, bytes]:
    many = json.dumps({"instances": [block_group]}).encode()
    return {
        "/predict": json.dumps(block_group).encode(),
        "/predict/batch": many,
        "/invocations": many,
    }


@pytest.mark.parametrize("path", ["/health", "/ping", "/version", "/model", "/openapi.json"])
def test_head_answers_as_get_without_the_body(client: AsgiClient, path: str) -> None:
    got, head = client.get(path), client.request("HEAD", path)

    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_of_a_route_that_is_not_read_is_not_allowed(client: AsgiClient) -> None:
    assert client.request("HEAD", "/predict").status_code == 405


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("slashes", ["/", "//"])
def test_slashes_at_the_end_of_a_path_are_ignored(
    client: AsgiClient, block_group: dict[str, float], path: str, slashes: str
) -> None:
    body = bodies(block_group)[path]

    answer = client.post(path + slashes, body)

    assert answer.status_code == 200
    assert answer.content == client.post(path, body).content


@pytest.mark.parametrize("path", ["/health/", "/model/", "/docs/"])
def test_reading_routes_ignore_them_too(client: AsgiClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_options_says_the_methods_and_by_default_nothing_to_browsers(client: AsgiClient) -> None:
    answer = client.request("OPTIONS", "/predict", headers={"origin": "https://example.org"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "access-control-allow-origin" not in client.get("/ping").headers


@dataclass
class Browser:
    client: AsgiClient
    origin: str


@pytest.fixture(params=["https://example.org", "*"])
def browser(
    request: pytest.FixtureRequest,
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
) -> Browser:
    open_to = settings.model_copy(update={"cors_origin": request.param})
    app = create_app(open_to, models, telemetry, OpenAccess(), no_changes)
    return Browser(AsgiClient(app, loop), request.param)


@pytest.mark.parametrize("path", ROUTES)
def test_a_page_of_the_named_origin_may_ask_and_read_answers_and_problems(
    browser: Browser, block_group: dict[str, float], path: str
) -> None:
    preflight = browser.client.request("OPTIONS", path)
    good = browser.client.post(path, bodies(block_group)[path])
    bad = browser.client.post(path, b"{")

    assert preflight.headers["access-control-allow-headers"] == "Content-Type, X-Api-Key"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert [answer.status_code for answer in (preflight, good, bad)] == [204, 200, 400]
    for answer in (preflight, good, bad):
        assert answer.headers["access-control-allow-origin"] == browser.origin
        assert answer.headers["vary"] == "Origin"
        assert "X-Model-Version" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["example.org", "https://a.org/", "https://a.org, https://b.org"]
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="cors_origin"):
        PredictSettings(auth="off", tracking_uri="http://registry.test", cors_origin=origin)


@pytest.mark.parametrize("path", ROUTES)
def test_a_byte_order_mark_before_json_is_skipped(
    client: AsgiClient, block_group: dict[str, float], path: str
) -> None:
    body = bodies(block_group)[path]

    answer = client.post(path, b"\xef\xbb\xbf" + body)

    assert answer.content == client.post(path, body).content


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_body_in_utf_16_is_named(
    client: AsgiClient, block_group: dict[str, float], path: str, codec: str
) -> None:
    body = bodies(block_group)[path].decode().encode(codec)

    answer = client.post(path, body)

    assert answer.status_code == 400
    assert "UTF-16" in answer.json()["detail"]


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_in_gzip_without_content_encoding_is_named(
    client: AsgiClient, block_group: dict[str, float], path: str
) -> None:
    packed = gzip.compress(bodies(block_group)[path])
    as_text = packed.decode(errors="replace").encode()  # as a gateway passes it on

    for body in (packed, as_text):
        answer = client.post(path, body)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "the body is compressed with gzip: send it uncompressed"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP"])
def test_a_packed_body_is_refused_with_what_is_accepted(
    client: AsgiClient, block_group: dict[str, float], path: str, encoding: str
) -> None:
    body = gzip.compress(bodies(block_group)[path])

    answer = client.request(
        "POST", path, content=body, headers=JSON | {"content-encoding": encoding}
    )

    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert encoding in answer.json()["detail"]


@pytest.mark.parametrize("path", ROUTES[1:])
@pytest.mark.parametrize("cell", ["4_1", "\uff14\uff11", "\u0664\u0661", "4\u0661", "1_0.0", "0_1"])
def test_digits_that_no_spreadsheet_reads_are_no_numbers(
    client: AsgiClient, path: str, cell: str
) -> None:
    body = f"{HEADER}\n{ROW}\n{ROW.replace('41', cell)}\n".encode()

    answer = client.post(path, body, "text/csv")

    assert answer.status_code == {"/predict/batch": 422, "/invocations": 400}[path]
    [error] = answer.json()["errors"]
    assert (error["field"], error["value"]) == ("rows.1.HouseAge", cell)


@pytest.mark.parametrize("path", ROUTES[1:])
@pytest.mark.parametrize(
    ("header", "row"),
    [
        (f",{HEADER}", f"0,{ROW}"),
        (f'"",{HEADER}', f'"1",{ROW}'),
        (f"{HEADER},", f"{ROW},"),
        (f"{HEADER},,", f"{ROW},,"),
        (HEADER, f"{ROW}\n   "),
        (f"\ufeff{HEADER}", f"\u00a0{ROW}"),
    ],
)
def test_columns_without_a_name_and_blank_lines_are_ignored(
    client: AsgiClient, path: str, header: str, row: str
) -> None:
    plain = client.post(path, f"{HEADER}\n{ROW}\n".encode(), "text/csv")

    answer = client.post(path, f"{header}\n{row}\n".encode(), "text/csv")

    assert (answer.status_code, answer.content) == (200, plain.content)


@pytest.mark.parametrize("path", ROUTES[1:])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_file_whose_line_ends_curl_stripped_is_answered_with_the_right_option(
    client: AsgiClient, path: str, rows: int
) -> None:
    answer = client.post(path, (HEADER + ROW * rows).encode(), "text/csv")

    assert answer.status_code == 400
    assert "--data-binary" in answer.json()["detail"]


def test_a_form_of_curl_is_refused_with_what_was_sent(client: AsgiClient) -> None:
    answer = client.post("/predict", b"{}", "application/x-www-form-urlencoded")

    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("it is application/x-www-form-urlencoded")
