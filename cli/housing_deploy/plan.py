"""What a stack is to become: a packaged template, with the stage's parameters."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from housing_deploy.change_set import Wanted, key_of
from housing_deploy.errors import StageError
from housing_deploy.release import PARAMETER, release
from housing_deploy.stacks import Clients, Stack
from housing_deploy.stage import Stage
from housing_ops.template import load, with_defaults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def planned(
    stage: Stage, clients: Clients, before: Stack | None, *, template: str, bucket: str
) -> Wanted:
    """Return what is to be deployed.

    Args:
        stage: Where to.
        clients: Of AWS.
        before: What is deployed there.
        template: Packaged.
        bucket: Where its packages are.

    Raises:
        StageError: The template does not know a parameter that is given.
    """
    sent = (
        template if before else adopting(template, clients.s3, _pseudo_parameters(stage, clients))
    )
    parameters = values(read_template(sent), stage.parameters, before.parameters if before else {})
    if clients.endpoint_url:  # MiniStack hands SAM's translator the defaults alone
        body = json.dumps(with_defaults(read_template(sent), parameters))
    else:
        body = sent
    return Wanted(
        stack_name=stage.stack_name,
        template=body,
        parameters=parameters,
        capabilities=stage.capabilities,
        tags=stage.tags,
        bucket=bucket,
        key=key_of(body, f"{stage.package_prefix}/"),
        takes_over=sent != template,
    )


def _pseudo_parameters(stage: Stage, clients: Clients) -> dict[str, str]:
    return {
        "AWS::StackName": stage.stack_name,
        "AWS::AccountId": clients.account,
        "AWS::Region": clients.s3.meta.region_name,
    }


_BUCKET = "AWS::S3::Bucket"


def adopting(text: str, s3: "S3Client", pseudo: Mapping[str, str]) -> str:
    """Return a template with the names of retained buckets that exist written out.

    Args:
        text: The packaged template.
        s3: Asked which buckets exist.
        pseudo: Values of ``AWS::StackName``, ``AWS::AccountId``, ``AWS::Region``.
    """
    template = read_template(text)
    left = {name: bucket for name, bucket in _named(template, pseudo) if _exists(s3, bucket)}
    for name, bucket in left.items():
        template["Resources"][name]["Properties"]["BucketName"] = bucket
    return json.dumps(template) if left else text


def _named(template: Mapping[str, Any], pseudo: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, found in template["Resources"].items():
        wanted = found.get("Properties", {}).get("BucketName")
        is_kept = found.get("DeletionPolicy", "").startswith("Retain")
        if found["Type"] == _BUCKET and is_kept and isinstance(wanted, dict):
            bucket = str(wanted.get("Fn::Sub", ""))
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


_RELEASE_DIGITS = 12


def read_template(text: str) -> dict[str, Any]:
    """Return a packaged template in CloudFormation's long form."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "packaged.yaml")
        path.write_text(text)
        return load(path)


def values(
    template: Mapping[str, Any], given: Mapping[str, str], present: Mapping[str, str]
) -> dict[str, str]:
    """Return each parameter's value: the given one, else the present one, else its default.

    Raises:
        StageError: A given one is not the template's.
    """
    known = template["Parameters"]
    strange = given.keys() - known.keys()
    if strange:
        msg = f"the template has no parameter {', '.join(sorted(strange))}"
        raise StageError(msg)
    defaults = {name: str(found["Default"]) for name, found in known.items() if "Default" in found}
    sources = defaults | {name: text for name, text in present.items() if name in known} | {**given}
    if PARAMETER in known and PARAMETER not in given:
        sources[PARAMETER] = release(template, sources)[:_RELEASE_DIGITS]
    return sources
