"""The page's files: where they lie, who may fetch them, and what a browser lets them do."""

import asyncio
import json
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from fakes.onnx_models import constant_model
from housing.api_keys import Scope
from housing.onnx_session import OVERVIEW
from housing.schema import FEATURES, SCALED, TARGET
from housing_ops.checkout import CHECKOUT
from predict.access.auth import required_scope
from predict.http.routes.page import page_routes
from predict.model.loading import ServedModel
from predict.model.predictor import Predictor

FOLDER = CHECKOUT / "functions/predict/page"
LINK = re.compile(r'(?:href|src)="((?!data:|#)[^"]+)"')


def links(client: AsgiClient, path: str = "/") -> list[str]:
    return LINK.findall(client.get(path).text)


def test_the_page_and_its_files_need_no_key_and_all_else_does() -> None:
    paths = ("/", "/docs", "/page/0123456789ab/shell.js", "/page/", "/page", "/openapi.json")

    scopes = {path: required_scope("GET", path) for path in paths}

    assert {path for path, scope in scopes.items() if scope is None} == {*paths[:4]}
    assert required_scope("GET", "/docs/x") is required_scope("GET", "/subject") is Scope.PREDICT
    assert required_scope("POST", "/page/0123456789ab/shell.js") is Scope.PREDICT


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_a_page_names_files_that_are_there_and_kept_for_ever(client: AsgiClient, page: str) -> None:
    files = {link: client.get(f"/{link}") for link in links(client, page)}

    assert len(files) >= 4
    for link, answer in files.items():
        own = FOLDER / link.rpartition("/")[2]
        assert answer.status_code == 200, link
        assert not own.exists() or answer.content == own.read_bytes()
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get(page).headers["cache-control"] == "no-cache"


def test_a_file_of_another_release_is_not_kept(client: AsgiClient) -> None:
    answer = client.get("/page/0123456789ab/shell.js")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/page/_/none.js", "/page/_/index.html", "/page/_/..%2fapp.py"])
def test_there_is_nothing_but_the_pages_files(client: AsgiClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_address_is_absolute_and_no_script_or_style_is_in_the_page() -> None:
    for file in FOLDER.iterdir():
        text = file.read_text()
        if file.suffix == ".html":
            assert not [link for link in LINK.findall(text) if not link.startswith("page/_/")]
            assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=", text)
        assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_no_file_writes_markup() -> None:
    scripts = [path.read_text() for path in FOLDER.glob("*.js")]
    markup = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|srcdoc"
    )

    assert len(scripts) >= 3
    assert [markup.findall(text) for text in scripts if markup.search(text)] == []


@pytest.mark.parametrize("path", ["/", "/page/_/shell.js"])
def test_a_browser_runs_and_asks_nothing_else(client: AsgiClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_may_post_to_the_bucket_and_to_nothing_more(
    loop: asyncio.AbstractEventLoop,
) -> None:
    app = FastAPI()
    app.include_router(page_routes(["https://bucket.test"]))

    policy = AsgiClient(app, loop).get("/").headers["content-security-policy"]

    assert "connect-src 'self' https://bucket.test;" in policy
    assert policy.count("https:") == 1


def test_the_page_asks_for_a_key_only_where_keys_are_checked(
    loop: asyncio.AbstractEventLoop,
) -> None:
    pages = {}
    for has_keys in (True, False):
        app = FastAPI(docs_url=None)  # its own
        app.include_router(page_routes(has_keys=has_keys))
        client = AsgiClient(app, loop)
        pages[has_keys] = [client.get(path).text for path in ("/", "/docs")]

    assert all('<html data-keys="off" ' in page for page in pages[False])
    assert all("data-keys" not in page for page in pages[True])


def through_the_gateway(asked: str) -> dict[str, Any]:
    """Return the scope of Mangum for a request of the page."""
    return {"aws.event": {"requestContext": {"path": asked}}}


@pytest.mark.parametrize(
    ("asked", "below"),
    [("/prod/", ""), ("/prod", "prod/"), ("/", ""), ("/my%20base", "my%2520base/")],
)
def test_files_are_found_below_a_stage_and_a_base_path(
    client: AsgiClient, asked: str, below: str
) -> None:
    page = client.request("GET", "/", scope=through_the_gateway(asked)).text

    assert {link.partition("page/")[0] for link in LINK.findall(page)} == {below}


@pytest.mark.parametrize(
    ("asked", "above"), [("/docs", ""), ("/docs/", "../"), ("/docs//", "../../")]
)
def test_the_apis_page_finds_its_files_with_slashes_at_its_end(
    client: AsgiClient, asked: str, above: str
) -> None:
    assert {link.partition("page/")[0] for link in links(client, asked)} == {above}


def test_the_apis_page_runs_scripts_of_this_service_alone(client: AsgiClient) -> None:
    answer = client.get("/docs")
    policy = answer.headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in answer.text


def test_the_subject_is_described_for_a_form(client: AsgiClient) -> None:
    subject = json.loads(client.get("/subject").content)
    income = subject["columns"][0]

    assert [column["name"] for column in subject["columns"]] == [one.name for one in FEATURES]
    assert (income["unit"], income["minimum"], income["usual_maximum"]) == ("$10,000", 0, 15.0001)
    assert subject["target"]["name"] == TARGET.name
    assert SCALED
    assert subject["second_unit"]["name"] == SCALED.name
    assert subject["place"]["latitude"] == "Latitude"


_OVERVIEW = {"rows": 3, "targets": {"low": 1.0, "high": 2.0, "counts": [1, 2]}, "map": None}


def serve(models: FakeModelStore, served: ServedModel, overview: str) -> None:
    predictor = Predictor(constant_model(0.25, **{OVERVIEW: overview}))
    models.served = replace(served, predictor=predictor)


def test_the_overview_is_that_of_the_version_that_answers(
    client: AsgiClient, models: FakeModelStore, served: ServedModel
) -> None:
    without = client.get("/subject").json()
    serve(models, served, json.dumps(_OVERVIEW))
    with_one = client.get("/subject").json()
    models.served = None
    of_no_model = client.get("/subject").json()

    assert without["overview"] is of_no_model["overview"] is None
    assert with_one["overview"] == _OVERVIEW
    assert without["columns"] == of_no_model["columns"]


@pytest.mark.parametrize("text", ["{", "[]", '{"rows": 1, "targets": {"counts": []}}'])
def test_a_model_of_others_with_another_overview_is_served_without(
    client: AsgiClient,
    models: FakeModelStore,
    served: ServedModel,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    serve(models, served, text)

    with caplog.at_level(logging.WARNING):
        answer = client.get("/subject")

    assert (answer.status_code, answer.json()["overview"]) == (200, None)
    assert [record.message for record in caplog.records] == ["overview_not_valid"]
