"""The uploads of the data set: listed, excluded and included, with an entry and an alert."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fakes.alerts import FakeAlerts
from fakes.asgi_client import AsgiClient
from fakes.dataset import put_part, put_upload
from fakes.model_store import FakeModelStore
from fakes.registry import FakeModelRegistry
from fakes.written_lines import WrittenLines
from housing.errors import RegistryUnavailableError
from housing.registry.exclusions import EXCLUSIONS
from housing.registry.ledger import Decision
from housing.registry.live_model import LiveModel
from predict.access.auth import OpenAccess
from predict.admin.data_changes import DataChanges
from predict.admin.model_changes import ModelChanges
from predict.errors import ChangeRefusedError, NoSuchTargetError, StoreUnavailableError
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
MODEL = "california-housing"
FIRST, SECOND = "aaaa000011112222", "bbbb000011112222"


@pytest.fixture
def data(live: LiveModel, alerts: FakeAlerts) -> DataChanges:
    return DataChanges(live, MODEL, alerts)


@pytest.fixture
def two_uploads(s3: "S3Client") -> None:
    put_upload(s3, BUCKET, FIRST)
    put_upload(s3, BUCKET, SECOND, hours=1)


def decisions(live: LiveModel) -> list[tuple[str, str | None, str, str]]:
    entries = [entry for entry in live.ledger.newest(99) if isinstance(entry, Decision)]
    return [(entry.kind, entry.job_id, entry.who, entry.why) for entry in reversed(entries)]


@pytest.mark.usefixtures("two_uploads")
def test_the_uploads_are_listed_newest_first(data: DataChanges) -> None:
    newest, oldest = data.newest(10)

    assert (newest.job_id, oldest.job_id) == (SECOND, FIRST)
    assert oldest.record is not None
    assert (oldest.file, oldest.record.source, oldest.record.rows) == (
        f"{FIRST}.csv",
        "upload",
        1_500,
    )
    assert oldest.exclusion is None


@pytest.mark.usefixtures("two_uploads")
def test_excluded_uploads_are_listed_at_any_age(data: DataChanges, s3: "S3Client") -> None:
    data.exclude(FIRST, why="wrong unit", who="anna")

    put_upload(s3, BUCKET, "cccc000011112222", hours=2)

    (left_out,) = [one for one in data.newest(1) if one.exclusion]

    assert (left_out.job_id, left_out.file) == (FIRST, f"{FIRST}.csv")
    assert len(data.newest(1)) <= 2


def test_parts_of_a_stack_that_recorded_no_uploads_are_listed_and_excluded_by_their_digest(
    data: DataChanges, s3: "S3Client"
) -> None:
    put_part(s3, BUCKET, "0a1b")
    put_part(s3, BUCKET, "2c3d")
    assert {(one.job_id, one.record) for one in data.newest(10)} == {
        ("0a1b", None),
        ("2c3d", None),
    }

    assert data.exclude("0a1b", why="wrong unit", who="anna").is_changed

    assert {one.job_id: one.exclusion is not None for one in data.newest(10)} == {
        "0a1b": True,
        "2c3d": False,
    }
    assert data.include("0a1b", why="right", who="anna").is_changed


@pytest.mark.usefixtures("two_uploads")
def test_rows_are_excluded_and_included_with_an_entry_and_an_alert(
    data: DataChanges, live: LiveModel, alerts: FakeAlerts, registry: FakeModelRegistry
) -> None:
    registry.fails_with = RegistryUnavailableError("down")  # it is not asked

    out = data.exclude(FIRST, why="wrong unit", who="anna")
    back = data.include(FIRST, why="it was right", who="ben")

    assert (out.is_changed, back.is_changed) == (True, True)
    assert out.part.exclusion is not None
    assert (out.part.exclusion.state, out.part.exclusion.why) == ("excluded", "wrong unit")
    assert back.part.exclusion is None
    assert decisions(live) == [
        ("data_excluded", FIRST, "anna", "wrong unit"),
        ("data_included", FIRST, "ben", "it was right"),
    ]
    assert [(alert.event, alert.facts["file"]) for alert in alerts.sent] == [
        ("data_excluded", f"{FIRST}.csv"),
        ("data_included", f"{FIRST}.csv"),
    ]


@pytest.mark.usefixtures("two_uploads")
def test_a_repeated_change_is_reported_without_an_entry_or_alert(
    data: DataChanges, live: LiveModel, alerts: FakeAlerts
) -> None:
    data.exclude(FIRST, why="wrong unit", who="anna")

    again = data.exclude(FIRST, why="me too", who="ben")

    assert not again.is_changed
    assert again.part.exclusion is not None
    assert again.part.exclusion.who == "anna"
    assert not data.include(SECOND, why="why not", who="ben").is_changed
    assert (len(decisions(live)), len(alerts.sent)) == (1, 1)


def test_the_same_rows_of_another_job_are_the_same_part(data: DataChanges, s3: "S3Client") -> None:
    first = put_upload(s3, BUCKET, FIRST)
    put_upload(s3, BUCKET, SECOND, part=first.part)
    put_part(s3, BUCKET, "0a1b")
    data.exclude(FIRST, why="wrong unit", who="anna")

    assert {one.job_id for one in data.newest(9) if one.exclusion} == {FIRST, SECOND}
    assert data.include(SECOND, why="right", who="anna").is_changed


@pytest.mark.usefixtures("two_uploads")
def test_a_job_that_brought_no_rows_is_refused_with_where_to_look(data: DataChanges) -> None:
    for change in (data.exclude, data.include):
        with pytest.raises(NoSuchTargetError, match="no rows of a job cccc") as refused:
            change("cccc", why="wrong unit", who="anna")
        assert "housing status cccc shows" in str(refused.value)
        assert "housing data list shows" in str(refused.value)


def test_a_part_that_is_not_there_any_more_is_no_part(data: DataChanges, s3: "S3Client") -> None:
    record = put_upload(s3, BUCKET, FIRST)
    s3.delete_object(Bucket=BUCKET, Key=f"dataset/{record.part}.parquet")

    assert list(data.newest(10)) == []
    with pytest.raises(NoSuchTargetError):
        data.exclude(FIRST, why="wrong unit", who="anna")


@pytest.mark.usefixtures("two_uploads")
def test_the_last_rows_are_not_excluded(data: DataChanges, live: LiveModel) -> None:
    data.exclude(FIRST, why="wrong unit", who="anna")

    with pytest.raises(ChangeRefusedError, match="would be empty"):
        data.exclude(SECOND, why="wrong unit", who="anna")

    assert len(live.exclusions.load()) == 1


@pytest.mark.usefixtures("two_uploads")
def test_a_bucket_that_is_away_says_to_try_again(
    data: DataChanges, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        answer: Any = {"Error": {"Code": "NoSuchBucket", "Message": "gone"}}
        raise ClientError(answer, "ListObjectsV2")

    monkeypatch.setattr(s3, "get_paginator", refuse)

    with pytest.raises(StoreUnavailableError, match="again"):
        data.newest(10)


@pytest.fixture
def api(
    settings: PredictSettings,
    models: FakeModelStore,
    live: LiveModel,
    alerts: FakeAlerts,
    loop: asyncio.AbstractEventLoop,
) -> AsgiClient:
    changes = ModelChanges(live, MODEL, alerts, models.recheck)
    telemetry = Telemetry(WrittenLines())
    return AsgiClient(create_app(settings, models, telemetry, OpenAccess(), lambda: changes), loop)


@pytest.mark.usefixtures("two_uploads")
def test_the_api_lists_excludes_and_includes(api: AsgiClient) -> None:
    out = api.post_json("/data/exclude", {"job": FIRST, "reason": " wrong unit "})
    listed = api.get("/data?limit=5").json()["uploads"]
    back = api.post_json("/data/include", {"job": FIRST, "reason": "it was right"})

    assert (out.status_code, out.json()["changed"]) == (200, True)
    assert out.json()["upload"] == listed[1]
    assert [(one["job_id"], one["state"]) for one in listed] == [
        (SECOND, "included"),
        (FIRST, "excluded"),
    ]
    assert (listed[1]["file"], listed[1]["rows"], listed[1]["source"]) == (
        f"{FIRST}.csv",
        1_500,
        "upload",
    )
    assert (listed[1]["exclusion"]["who"], listed[1]["exclusion"]["why"]) == (
        "api key nobody",
        "wrong unit",
    )
    assert (back.json()["upload"]["state"], back.json()["upload"]["exclusion"]) == (
        "included",
        None,
    )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/data/exclude", "{}", 422),
        ("/data/exclude", f'{{"job": "{FIRST}"}}', 422),
        ("/data/exclude", f'{{"job": "{FIRST}", "reason": " "}}', 422),
        ("/data/exclude", '{"job": "../models", "reason": "x"}', 422),
        ("/data/exclude", '{"job": "a", "job": "b", "reason": "x"}', 400),
        ("/data/exclude", '{"job": "cccc", "reason": "x"}', 404),
        ("/data/include", '{"job": "cccc", "reason": "x"}', 404),
        ("/data/include", "[", 400),
        ("/data/exclude", f'{{"job": "{FIRST}", "reason": "x"}}', 409),
    ],
)
def test_a_bad_choice_is_a_problem_of_the_clients(
    api: AsgiClient, s3: "S3Client", path: str, body: str, status: int
) -> None:
    put_upload(s3, BUCKET, FIRST)

    answer = api.post(path, body)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=EXCLUSIONS)["KeyCount"] == 0
