"""The signed form for an upload: exactly one key, type and source; a bound on size and time."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from predict.access.auth import required_scope
from predict.admin.upload_grants import UploadGrant, UploadGrants
from predict.aws_composition import operations
from predict.errors import InvalidFieldsError
from predict.settings import PredictSettings

BUCKET = "housing-test"
SIGNED = {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token"}


@pytest.fixture(params=["us-east-1"])
def in_a_region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PredictSettings:
    """Return settings as in Lambda; a test's parameter is another region."""
    monkeypatch.setenv("AWS_REGION", request.param)
    monkeypatch.setenv("AWS_DEFAULT_REGION", request.param)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-role")
    return PredictSettings(
        auth="off", tracking_uri="http://registry.test", bucket=BUCKET, upload_max_bytes=1_000
    )


@pytest.fixture
def grants(in_a_region: PredictSettings) -> UploadGrants:
    """Return the product's own signer."""
    return operations(in_a_region).uploads


def policy_of(grant: UploadGrant) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(base64.b64decode(grant.fields["policy"]))
    return policy


def conditions_of(grant: UploadGrant) -> list[Any]:
    """Return the policy's conditions but those on the signature's own fields."""
    return [
        one
        for one in policy_of(grant)["conditions"]
        if isinstance(one, list) or next(iter(one)) not in SIGNED
    ]


def test_the_policy_allows_one_file_and_nothing_else(grants: UploadGrants) -> None:
    grant = grants.grant("more.csv", "county office")

    assert conditions_of(grant) == [
        ["content-length-range", 1, 1_000],
        {"Content-Type": "text/csv"},
        {"success_action_status": "201"},
        {"x-amz-meta-data-source": "county office"},
        {"bucket": BUCKET},
        {"key": "new_data/more.csv"},
    ]
    assert (grant.key, grant.max_bytes) == ("new_data/more.csv", 1_000)
    # Every field that the form sends is fixed by the policy, or is the signature itself.
    fixed = {
        name for one in policy_of(grant)["conditions"] if isinstance(one, dict) for name in one
    }
    assert set(grant.fields) - fixed == {"policy", "x-amz-signature"}


def test_it_expires_within_the_minutes(grants: UploadGrants) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    grant = grants.grant("more.csv", "upload")

    expires = datetime.fromisoformat(policy_of(grant)["expiration"])
    assert began <= expires - timedelta(minutes=15) <= datetime.now(UTC)
    assert abs(grant.expires_at - expires) < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", "text/csv"), ("B.TSV", "text/csv"), ("a.csv.gz", "application/gzip")],
)
def test_names_that_start_a_job_are_taken(grants: UploadGrants, name: str, kind: str) -> None:
    grant = grants.grant(name, "upload")

    assert (grant.fields["key"], grant.fields["Content-Type"]) == (f"new_data/{name}", kind)


@pytest.mark.parametrize(
    "name",
    [
        *("a.txt", "a", ".csv", "a.csv.zip", "../dataset/a.csv", "b/a.csv", "a\n.csv"),
        *("${filename}", "${filename}.csv", "a${filename}.csv"),
    ],
)
def test_other_names_are_refused(grants: UploadGrants, name: str) -> None:
    with pytest.raises(InvalidFieldsError, match="name"):
        grants.grant(name, "upload")


def test_a_source_that_s3_does_not_take_is_written_so_that_it_does(grants: UploadGrants) -> None:
    grant = grants.grant("a.csv", "häuser\r\nx-amz-acl: public-read")

    assert grant.fields["x-amz-meta-data-source"] == "h?user??x-amz-acl: public-read"


@pytest.mark.parametrize(
    ("in_a_region", "host"),
    [
        ("us-east-1", "s3.amazonaws.com"),
        ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
    indirect=["in_a_region"],
)
def test_the_form_goes_to_the_host_of_the_region_which_the_page_may_ask(
    in_a_region: PredictSettings, grants: UploadGrants, host: str
) -> None:
    # A form that went to the global host would be redirected, which browsers do not follow.
    assert grants.grant("a.csv", "upload").url == f"https://{BUCKET}.{host}/"
    assert in_a_region.upload_origins == (f"https://{BUCKET}.{host}",)


def test_at_a_local_endpoint_the_page_may_ask_that(
    in_a_region: PredictSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    local = PredictSettings(auth="off", tracking_uri="http://registry.test", bucket=BUCKET)

    assert operations(local).uploads.grant("a.csv", "upload").url.startswith(local.upload_origins)
    assert local.upload_origins == ("http://127.0.0.1:4566",)
    assert in_a_region.model_copy(update={"bucket": None}).upload_origins == ()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/uploads"), ("GET", "/jobs"), ("GET", "/jobs/a"), ("GET", "/alerts")],
)
def test_files_and_jobs_are_an_administrators(method: str, path: str) -> None:
    assert required_scope(method, path) == "admin"
