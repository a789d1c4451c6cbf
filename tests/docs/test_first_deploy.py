"""``docs/first-deploy.md``: its evidence is what a stack answers; a refusal hides no part."""

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import collect_evidence
from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

PAGE = (CHECKOUT / "docs/first-deploy.md").read_text()
STACK = "housing-test"
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api"}},
        "Models": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "models",
            },
        },
        "Get": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Ref": "Models"},
                "HttpMethod": "GET",
                "AuthorizationType": "NONE",
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
                    "arn:aws:lambda:us-east-1:123456789012:function:housing-test-admin/invocations",
                },
            },
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": f"/aws/lambda/{STACK}-admin"},
        },
    },
    "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}},
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        body = json.dumps(TEMPLATE)
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=body)
        yield collect_evidence.evidence(STACK, boto3.client)  # type: ignore[arg-type]


def test_the_evidence_holds_what_each_service_answers(found: dict[str, Any]) -> None:
    assert found["stack"]["status"] == "CREATE_COMPLETE"
    assert found["failed_resources"] == []
    assert found["routes"] == {"GET /models": "housing-test-admin"}
    assert found["jobs"] == []
    assert found["logs"]["admin"] == {"invocations": 0, "errors": []}


def test_a_part_that_cannot_be_read_hides_no_other(found: dict[str, Any]) -> None:
    assert "error" in found["versions"]  # there is no such function
    assert "error" in found["logs"]["predict"]
    assert found["alarms"] == {}


def test_the_page_names_parts_of_the_evidence_and_parameters_of_the_template(
    found: dict[str, Any],
) -> None:
    named = set(re.findall(r"`(failed_resources|routes|versions|alarms|jobs|logs)\b", PAGE))
    parameters = set(re.findall(r"\b([A-Z]\w+)=(?!…)", PAGE)) - {"STAGE", "PARAMETERS"}

    assert named == set(found) - {"stack"}
    assert len(parameters) >= 6
    assert parameters - {"AWS_REGION", "AWS_DEFAULT_REGION"} <= set(
        load(CHECKOUT / "infra/template.yaml")["Parameters"]
    )


def test_the_pages_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([a-z.-]+\.md)(?:#([\w-]+))?\)", PAGE):
        path, anchor = link
        text = (CHECKOUT / "docs" / path).read_text()
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert not anchor or anchor in headings, link
