"""Whether a recorded call is in the table."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from housing.s3 import layout
from permissions.calls import CALLS, IF_NEW, IF_SAME, Call, Missing
from permissions.recorder import Recorded

_FOLDERS = (
    *(layout.NEW_DATA, layout.DATASET, layout.LINEAGE, layout.REJECTED, layout.MODELS),
    *(layout.LEDGER, layout.JOBS, layout.ALERTS, layout.HOLDOUT_KEY, "predictions/"),
)
_OBJECTS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
}
"""Actions by the operation: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html."""
_LISTS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "HeadBucket": "s3:ListBucket",
}
_VERBS = {"Create": "POST", "Get": "GET", "Delete": "DELETE", "Update": "PATCH"}
_NOT_BY_THE_TEMPLATE = {
    # HOUSING_API_KEYS may name a parameter; the template makes a secret.
    ("predict", "ssm:GetParameter"),
}


def unknown_of(calls: Iterable[Recorded]) -> list[str]:
    """Return the calls that the table does not have, in words."""
    return sorted({str(made) for call in calls if (made := _unknown(call))})


def _unknown(recorded: Recorded) -> str | None:
    made = call_of(recorded)
    if (recorded.role, made.action) in _NOT_BY_THE_TEMPLATE:
        return None
    known = CALLS[recorded.role]
    if recorded.service != "s3":  # tests give other names to what these ask
        is_known = made.action in {one.action for one in known}
    else:
        is_known = any(one.fits(made) for one in known)
    return None if is_known else f"{recorded.role} asks for {made}"


def call_of(recorded: Recorded) -> Call:
    """Return what IAM is asked for a recorded call."""
    asked, operation = recorded.parameters, recorded.operation
    if recorded.service == "apigateway":
        verb = next(verb for word, verb in _VERBS.items() if operation.startswith(word))
        return Call(f"apigateway:{verb}", "")
    if recorded.service != "s3":
        return Call(f"{recorded.service}:{operation}", "")
    if operation in _LISTS:
        return Call(_LISTS[operation], "{bucket}", prefix=asked.get("Prefix", ""))
    action = _OBJECTS.get(operation, f"s3:{operation}")
    made = Call(action, _place(recorded.role, asked.get("Key", "")), condition=_condition(asked))
    if action == "s3:GetObject":
        action = "s3:GetObjectVersion" if "VersionId" in asked else action
        missing = Missing.LISTED if recorded.is_missing else Missing.NEVER
        made = replace(made, action=action, missing=missing)
    return made


def _place(role: str, key: str) -> str:
    if key.startswith(_FOLDERS):
        return f"{{bucket}}/{key}"
    return f"{{packages}}/{key}" if role == "deployer" else f"{{artifacts}}/{key}"


def _condition(asked: Any) -> str | None:
    return IF_NEW if "IfNoneMatch" in asked else IF_SAME if "IfMatch" in asked else None
