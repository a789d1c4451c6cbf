"""Make the request for a stack from a packaged template and the stage's parameters.

A first deployment takes over the bucket that an earlier stack of the same name retained.
CloudFormation does so (ImportExistingResources) if the template retains the resource and its name
is a literal; ours is composed of the stack's name, the account and the region. So the name of an
existing bucket is written out in the template of the first deployment. The next template composes
the same name again, which is no change.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from housing.subject import load
from housing_deploy.change_set import StackRequest
from housing_deploy.errors import StageError
from housing_deploy.release import PARAMETER, release
from housing_deploy.stacks import Clients, Stack
from housing_deploy.stage import Stage
from housing_ops.analytics import with_tables
from housing_ops.template import parse, with_defaults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RELEASE_DIGITS = 12


def plan(
    stage: Stage, clients: Clients, before: Stack | None, *, template: str, bucket: str
) -> StackRequest:
    """Return the request for a stage's stack.

    Args:
        stage: The stage.
        clients: Clients of AWS.
        before: The stack that is deployed.
        template: The packaged template.
        bucket: The bucket of its packages.

    Raises:
        StageError: A given parameter is not one of the template's.
        SubjectError: There is no such table.
    """
    pseudo = {
        "AWS::StackName": stage.stack_name,
        "AWS::AccountId": clients.account,
        "AWS::Region": clients.s3.meta.region_name,
    }
    body = template if before else _adopting(template, clients.s3, pseudo)
    takes_over = body != template
    document = parse(body)
    parameters = values(document, stage.parameters, before.parameters if before else {})
    built_in = document["Parameters"].get("Subject", {}).get("Default")
    if parameters.get("Subject", built_in) != built_in:
        document = with_tables(document, load(parameters["Subject"]))
        body = json.dumps(document)
    if clients.endpoint_url:  # MiniStack's SAM translator reads the defaults only
        body = json.dumps(with_defaults(document, parameters))
    return StackRequest(
        stack_name=stage.stack_name,
        template=body,
        parameters=parameters,
        capabilities=stage.capabilities,
        tags=stage.tags,
        bucket=bucket,
        folder=stage.package_prefix,
        takes_over=takes_over,
    )


def values(
    template: Mapping[str, Any], given: Mapping[str, str], present: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of each parameter: the given one, else the present one, else its default.

    Raises:
        StageError: A given parameter is not one of the template's.
    """
    known = template["Parameters"]
    unknown = given.keys() - known.keys()
    if unknown:
        msg = f"the template has no parameter {', '.join(sorted(unknown))}"
        raise StageError(msg)
    defaults = {name: str(facts["Default"]) for name, facts in known.items() if "Default" in facts}
    merged = defaults | {name: text for name, text in present.items() if name in known} | {**given}
    if PARAMETER in known and PARAMETER not in given:
        merged[PARAMETER] = release(template, merged)[:_RELEASE_DIGITS]
    return merged


def _adopting(text: str, s3: "S3Client", pseudo: Mapping[str, str]) -> str:
    """Write out the names of the retained buckets that exist."""
    template = parse(text)
    existing = {name: bucket for name, bucket in _named(template, pseudo) if _exists(s3, bucket)}
    for name, bucket in existing.items():
        template["Resources"][name]["Properties"]["BucketName"] = bucket
    return json.dumps(template) if existing else text


def _named(template: Mapping[str, Any], pseudo: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, resource in template["Resources"].items():
        composed = resource.get("Properties", {}).get("BucketName")
        is_kept = resource.get("DeletionPolicy", "").startswith("Retain")
        if resource["Type"] == "AWS::S3::Bucket" and is_kept and isinstance(composed, dict):
            bucket = str(composed.get("Fn::Sub", ""))
            for key, value in pseudo.items():
                bucket = bucket.replace(f"${{{key}}}", value)
            if bucket and "${" not in bucket:
                yield name, bucket


def _exists(s3: "S3Client", bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        return False
    return True
