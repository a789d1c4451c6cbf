"""The bucket: closed, kept, and cleaned only where nothing is lost."""

import re
from typing import Any

import pytest

from housing.s3.layout import ALERTS, DATASET, JOBS, LEDGER, MODELS, NEW_DATA, REJECTED
from housing_ops.template import load
from infra.reading import TEMPLATE
from permissions.account import WHOLE, account

KEPT_FOR_EVER = (NEW_DATA, DATASET, LEDGER)
EXPIRES = "ExpirationInDays"
EXPIRES_OLD = "NoncurrentVersionExpiration"


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    bucket = load(TEMPLATE)["Resources"]["Bucket"]["Properties"]
    lifecycle_rules: list[dict[str, Any]] = bucket["LifecycleConfiguration"]["Rules"]
    return lifecycle_rules


@pytest.mark.parametrize("name", ["Bucket", "MlflowBucket"])
def test_a_bucket_is_private_versioned_encrypted_and_outlives_its_stack(name: str) -> None:
    bucket = load(TEMPLATE)["Resources"][name]

    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketEncryption" in bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("prefix", KEPT_FOR_EVER)
def test_no_rule_expires_permanent_objects(rules: list[dict[str, Any]], prefix: str) -> None:
    deleting = [rule for rule in rules if EXPIRES in rule or EXPIRES_OLD in rule]

    assert len(deleting) >= 4
    for rule in deleting:
        reached = rule["Prefix"]
        assert not prefix.startswith(reached), rule["Id"]
        assert not reached.startswith(prefix), rule["Id"]


def test_overwritten_and_rejected_objects_expire(
    rules: list[dict[str, Any]],
) -> None:
    by_prefix = {rule["Prefix"]: rule for rule in rules if "Prefix" in rule}

    assert EXPIRES in by_prefix[REJECTED]
    for prefix in (JOBS, MODELS, ALERTS):
        assert EXPIRES_OLD in by_prefix[prefix]
        assert EXPIRES not in by_prefix[prefix]


def test_parts_of_uploads_that_never_ended_go_everywhere(rules: list[dict[str, Any]]) -> None:
    [rule] = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]

    assert "Prefix" not in rule
    assert set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}


def test_only_the_apis_own_page_and_one_origin_may_post() -> None:
    for parameters, others in (
        ({}, []),
        ({"CorsOrigin": "https://example.org"}, ["https://example.org"]),
    ):
        here = account(**WHOLE, **parameters)
        [rule] = here.properties("Bucket")["CorsConfiguration"]["CorsRules"]

        own, *rest = rule["AllowedOrigins"]
        assert re.fullmatch(r"https://[^*]+\.execute-api\.us-east-1\.amazonaws\.com", own)
        assert rest == others
        assert rule["AllowedMethods"] == ["POST"]
        assert "x-amz-version-id" in rule["ExposedHeaders"]  # it names the job


def test_a_local_endpoint_lets_pages_of_this_machine_post() -> None:
    here = account(Stage="local", LocalEndpointUrl="http://127.0.0.1:4566", JobLauncher="local")
    [rule] = here.properties("Bucket")["CorsConfiguration"]["CorsRules"]

    assert rule["AllowedOrigins"] == ["http://127.0.0.1:*"]
