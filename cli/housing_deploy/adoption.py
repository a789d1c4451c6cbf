"""A first deployment over what an earlier stack of the same name left: its bucket is taken over.

CloudFormation takes over what exists (ImportExistingResources) where the template retains it and
writes its name as a literal; ours is made of the stack's name, the account and the region. So where
a bucket of that name is there, the template that is sent once names it outright. The next one says
the same again by other means, which is no change.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from housing_deploy.parameters import read_template

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
