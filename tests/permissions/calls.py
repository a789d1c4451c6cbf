"""Every call of AWS that the product makes, by the role that makes it.

A call that is not here fails the test that makes it (``permissions.recorder``); each of these is
let through by the expanded template, and every action that the template allows is one of these
(``infra/test_permissions.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from permissions.evaluator import Request, matches


class Missing(Enum):
    """How a call is answered where there is no such object."""

    NEVER = auto()  # it is only made of what is there
    LISTED = auto()  # by 404: the role may list the key
    DENIED = auto()  # by 403, which the code takes for a missing object


@dataclass(frozen=True, slots=True)
class Call:
    """Calls of one action.

    Where the resource or the prefix ends in ``*`` or holds one, it stands for any text.
    """

    action: str
    resource: str
    """An ARN with names in braces that ``infra.test_permissions`` knows, such as ``{bucket}/*``."""
    prefix: str | None = None
    """What is listed."""
    condition: str | None = None
    """A header that makes a write conditional."""
    missing: Missing = Missing.NEVER

    def fits(self, other: "Call") -> bool:
        """Return whether another call, of one object, is one of these."""
        return (
            self.action == other.action
            and self.condition == other.condition
            and matches(self.resource, other.resource)
            and matches(self.prefix or "", other.prefix or "")
            and (other.missing is Missing.NEVER or self.missing is not Missing.NEVER)
        )

    def requests(self, names: Mapping[str, str]) -> list[Request]:
        """Return what IAM is asked: one of these calls, and what a missing object needs."""
        context = {"aws:SecureTransport": "true", "aws:RequestedRegion": names["region"]}
        if self.prefix is not None:
            context["s3:prefix"] = _one_of(self.prefix)
        if self.condition:
            context[f"s3:{self.condition.lower()}"] = "*"
        resource = _one_of(self.resource).format_map(names)
        asked = [Request(self.action, resource, context)]
        if self.condition == IF_SAME:  # S3 reads what is compared
            asked.append(Request("s3:GetObject", resource, context))
        if self.missing is Missing.LISTED:
            key = resource.partition("/")[2]
            asked.append(Request("s3:ListBucket", names["bucket"], {**context, "s3:prefix": key}))
        return asked


def _one_of(pattern: str) -> str:
    return pattern.replace("*", "0f1e")


IF_NEW = "If-None-Match"
IF_SAME = "If-Match"


def _read(*keys: str, missing: Missing = Missing.NEVER) -> tuple[Call, ...]:
    return tuple(Call("s3:GetObject", f"{{bucket}}/{key}", missing=missing) for key in keys)


def _written(*keys: str, conditions: tuple[str | None, ...] = (None,)) -> tuple[Call, ...]:
    return tuple(
        Call("s3:PutObject", f"{{bucket}}/{key}", condition=condition)
        for key in keys
        for condition in conditions
    )


def _listed(*prefixes: str) -> tuple[Call, ...]:
    return tuple(Call("s3:ListBucket", "{bucket}", prefix=prefix) for prefix in prefixes)


def _of_a_function(name: str) -> tuple[Call, ...]:
    """Lambda's own calls, in the function's name."""
    return (
        Call("logs:CreateLogStream", f"{{logs-{name}}}:log-stream:*"),
        Call("logs:PutLogEvents", f"{{logs-{name}}}:log-stream:*"),
        Call("xray:PutTraceSegments", "*"),
        Call("xray:PutTelemetryRecords", "*"),
    )


def _of_mlflow(*names: str) -> tuple[Call, ...]:
    return tuple(Call(f"sagemaker-mlflow:{name}", "{mlflow}") for name in names)


_BOTH = (IF_NEW, IF_SAME)
_CHANGING_WHAT_IS_LIVE = (
    *_listed("ledger/"),
    # After a write whose answer was lost, what stands is read.
    *_read("ledger/*.json", "ledger/*.done", missing=Missing.LISTED),
    *_written("ledger/*.json", "ledger/*.done", conditions=(IF_NEW,)),
    *_written("models/production.json", "models/*/model.onnx"),
    *_written("models/lock", "models/promotion.json", conditions=_BOTH),
)

_KEEPING_KEYS = (
    Call("secretsmanager:GetSecretValue", "{keys}"),
    Call("secretsmanager:PutSecretValue", "{keys}"),
    Call("apigateway:POST", "{gateway}/apikeys"),
    Call("apigateway:GET", "{gateway}/apikeys"),
    Call("apigateway:DELETE", "{gateway}/apikeys/*"),
    Call("apigateway:POST", "{gateway}/usageplans/{plan}/keys"),
)

CALLS: Mapping[str, tuple[Call, ...]] = {
    "predict": (
        *_of_a_function("predict"),
        *_read("models/production.json", "models/refused/*.json", missing=Missing.DENIED),
        *_read("models/promotion.json", missing=Missing.LISTED),
        *_read("models/*/model.onnx"),
        *_written("models/refused/*.json", conditions=_BOTH),
        Call("s3:GetObject", "{artifacts}/*/artifacts/model.onnx", missing=Missing.DENIED),
        Call("secretsmanager:GetSecretValue", "{keys}"),
        Call("sns:Publish", "{topic}"),
        Call("cloudwatch:GetMetricData", "*"),
        Call("sagemaker:CallMlflowAppApi", "{mlflow}"),
        *_of_mlflow("GetModelVersionByAlias", "GetDownloadURIForModelVersionArtifacts"),
    ),
    "admin": (
        *_of_a_function("admin"),
        *_CHANGING_WHAT_IS_LIVE,
        *_read("models/lock", "models/production.json", missing=Missing.DENIED),
        *_read("models/promotion.json", "lineage/exclusions.json", missing=Missing.LISTED),
        *_written("lineage/exclusions.json", conditions=_BOTH),
        *_listed("dataset/", "jobs/", "lineage/uploads/"),
        *_read("lineage/uploads/*.json", "jobs/*.json", missing=Missing.LISTED),
        *_read("rejected/*/report.json", missing=Missing.DENIED),
        *_written("new_data/*"),  # by the browser that its signed form is for
        Call("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:{at}:alarm:{name}-*"),
        Call("s3:GetObject", "{artifacts}/*/artifacts/model.onnx", missing=Missing.DENIED),
        Call("secretsmanager:GetSecretValue", "{hook}"),
        Call("secretsmanager:GetSecretValue", "{keys}"),
        Call("sns:Publish", "{topic}"),
        Call("sagemaker:CallMlflowAppApi", "{mlflow}"),
        *_of_mlflow("GetModelVersion", "GetModelVersionByAlias", "GetRegisteredModel"),
        *_of_mlflow("GetDownloadURIForModelVersionArtifacts", "SearchModelVersions"),
        *_of_mlflow("SetModelVersionTag", "SetRegisteredModelAlias"),
    ),
    "retrain": (
        *_of_a_function("retrain"),
        *_listed("jobs/"),
        Call("s3:ListBucketVersions", "{bucket}", prefix="new_data/"),
        *_read("jobs/*", "alerts/*", missing=Missing.LISTED),
        *_written("jobs/*.json", "alerts/*.json", conditions=_BOTH),
        *_written("jobs/sweep"),
        Call("batch:SubmitJob", "{queue}"),
        Call("batch:SubmitJob", "{definition}:1"),
        Call("batch:SubmitJob", "{job}"),
        Call("batch:TagResource", "{job}"),
        Call("sns:Publish", "{topic}"),  # the alert, and Lambda's of an event that was given up
    ),
    "notify": (
        *_of_a_function("notify"),
        Call("secretsmanager:GetSecretValue", "{slack}"),
        Call("sqs:SendMessage", "{unposted}"),  # Lambda's own
    ),
    "job": (
        *_CHANGING_WHAT_IS_LIVE,
        *_listed("dataset/*", "jobs/", "lineage/uploads/"),
        *_read("models/lock", "models/production.json", missing=Missing.LISTED),
        *_read("models/promotion.json", "lineage/exclusions.json", missing=Missing.LISTED),
        *_read("dataset/*.parquet"),
        *_read("lineage/snapshots/*.json", "lineage/uploads/*.json", missing=Missing.LISTED),
        *_read("jobs/*", "alerts/*.json", "secrets/holdout-key", missing=Missing.LISTED),
        *_read("new_data/*", missing=Missing.LISTED),
        Call("s3:GetObjectVersion", "{bucket}/new_data/*", missing=Missing.LISTED),
        *_written("jobs/*", "alerts/*.json", "lineage/exclusions.json", conditions=_BOTH),
        *_written("dataset/*.parquet", "secrets/holdout-key", conditions=(IF_NEW,)),
        *_written("lineage/snapshots/*.json", "lineage/uploads/*.json", conditions=(IF_NEW,)),
        *_written("rejected/*"),
        Call("s3:AbortMultipartUpload", "{bucket}/rejected/*"),
        # MLflow's client writes a run's figures and a model's files there; the gate reads a model.
        Call("s3:PutObject", "{artifacts}/*/artifacts/*"),
        Call("s3:AbortMultipartUpload", "{artifacts}/*/artifacts/*"),
        Call("s3:GetObject", "{artifacts}/*/artifacts/model.onnx", missing=Missing.DENIED),
        Call("sns:Publish", "{topic}"),
        Call("cloudwatch:GetMetricData", "*"),
        Call("sagemaker:CallMlflowAppApi", "{mlflow}"),
        *_of_mlflow("CreateExperiment", "GetExperiment", "GetExperimentByName"),
        *_of_mlflow("CreateRun", "GetRun", "UpdateRun", "LogBatch", "LogInputs", "LogOutputs"),
        *_of_mlflow("LogModel", "GetLoggedModel", "FinalizeLoggedModel", "SetLoggedModelTags"),
        *_of_mlflow("CreateRegisteredModel", "GetRegisteredModel", "CreateModelVersion"),
        *_of_mlflow("GetModelVersion", "GetModelVersionByAlias", "SearchModelVersions"),
        *_of_mlflow("GetDownloadURIForModelVersionArtifacts", "UpdateModelVersion"),
        *_of_mlflow("SetModelVersionTag", "SetRegisteredModelAlias"),
    ),
    # Who uploads: housing upload FILE --wait.
    "uploader": (
        *_written("new_data/*"),
        Call("s3:AbortMultipartUpload", "{bucket}/new_data/*"),
        *_read("jobs/*.json", "models/promotion.json", missing=Missing.LISTED),
        *_read("rejected/*", missing=Missing.LISTED),
    ),
    # The command housing, whatever it does; an administrator's requests go to the API.
    "operator": (
        *_written("new_data/*"),
        Call("s3:AbortMultipartUpload", "{bucket}/new_data/*"),
        Call("s3:ListBucketVersions", "{bucket}", prefix="new_data/"),
        *_listed("jobs/", "ledger/"),
        *_read("jobs/*.json", "models/promotion.json", missing=Missing.LISTED),
        *_read("rejected/*", missing=Missing.LISTED),
        *_read("ledger/*.json"),
        Call("logs:FilterLogEvents", "{logs-predict}:*"),
        *_KEEPING_KEYS,
    ),
    # make deploy and make destroy; CloudFormation's own calls are in tools/docs/write_policies.py.
    "deployer": (
        *(
            Call(f"cloudformation:{name}", "{stack}")
            for name in (
                *("CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "ExecuteChangeSet"),
                *("DescribeEvents", "DescribeStackEvents", "DescribeStacks", "GetTemplate"),
                *("ListStackResources", "DeleteStack", "UpdateTerminationProtection"),
            )
        ),
        Call("cloudformation:CreateChangeSet", "{transform}"),
        # CloudFormation's own: SAM tags functions, and the web ACL names rules of AWS.
        Call("lambda:ListTags", "arn:aws:lambda:{at}:function:{name}-predict"),
        Call("lambda:TagResource", "arn:aws:lambda:{at}:function:{name}-predict"),
        Call("lambda:UntagResource", "arn:aws:lambda:{at}:function:{name}-predict"),
        *(
            Call(f"wafv2:{name}", f"arn:aws:wafv2:{{at}}:regional/{kind}/*")
            for name in ("CreateWebACL", "UpdateWebACL")
            for kind in ("webacl", "managedruleset")
        ),
        Call("s3:PutObject", "{packages}/*"),
        Call("s3:GetObject", "{packages}/*"),
        Call("s3:ListBucket", "{bucket}", prefix=""),  # HeadBucket: is one left of before?
        *_KEEPING_KEYS,  # the smoke test's own
        Call("apigateway:GET", "{gateway}/usageplans/{plan}/keys"),
    ),
}
"""By role."""

REFUSED: Mapping[str, tuple[Call, ...]] = {
    "predict": (
        *_read("dataset/*.parquet", "new_data/*", "secrets/holdout-key", "jobs/*", "rejected/*"),
        *_read("ledger/*.json", "lineage/uploads/*.json", "lineage/exclusions.json", "models/lock"),
        *_written("new_data/*", "dataset/*", "jobs/*", "secrets/holdout-key", "rejected/*"),
        # Nothing that is live, and nothing that is said of it.
        *_written(
            *("models/*/model.onnx", "models/production.json", "models/promotion.json"),
            *("models/lock", "ledger/*.json", "ledger/*.done"),
            *("lineage/exclusions.json", "lineage/uploads/*.json"),
            conditions=(None, *_BOTH),
        ),
        *_listed("new_data/", "jobs/", "ledger/", "dataset/", "lineage/uploads/", "models/", ""),
        Call("s3:DeleteObject", "{bucket}/models/*"),
        Call("s3:GetObject", "{artifacts}/terraform.tfstate"),
        Call("s3:PutObject", "{artifacts}/*/artifacts/model.onnx"),
        Call("logs:PutLogEvents", "{logs-of-others}:log-stream:*"),
        Call("logs:PutLogEvents", "{logs-admin}:log-stream:*"),
        Call("logs:CreateLogGroup", "{logs-predict}"),
        Call("secretsmanager:PutSecretValue", "{keys}"),
        Call("secretsmanager:GetSecretValue", "{hook}"),
        Call("secretsmanager:GetSecretValue", "{slack}"),
        Call("lambda:InvokeFunction", "arn:aws:lambda:{at}:function:{name}-admin"),
        *_of_mlflow("CreateModelVersion", "UpdateModelVersion", "DeleteModelVersion"),
        *_of_mlflow("SetModelVersionTag", "SetRegisteredModelAlias", "DeleteRegisteredModelAlias"),
        Call("batch:SubmitJob", "{queue}"),
    ),
    "admin": (
        *_read("dataset/*.parquet", "new_data/*", "secrets/holdout-key", "jobs/lease"),
        *_read("rejected/*/rows.csv", "rejected/*/upload.csv", "alerts/*"),
        *_written("dataset/*", "jobs/*", "secrets/holdout-key", "rejected/*"),
        Call("s3:GetObjectVersion", "{bucket}/new_data/*"),
        Call("s3:DeleteObject", "{bucket}/new_data/*"),
        Call("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:{at}:alarm:of-others"),
        Call("cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:{at}:alarm:{name}-stale-model"),
        *_written("ledger/*.json", "ledger/*.json", conditions=(None, IF_SAME)),
        *_written("lineage/uploads/*.json"),
        *_listed("new_data/", "rejected/", "predictions/", ""),
        Call("s3:DeleteObject", "{bucket}/models/*"),
        Call("s3:GetObject", "{artifacts}/terraform.tfstate"),
        Call("s3:PutObject", "{artifacts}/*/artifacts/model.onnx"),
        Call("logs:PutLogEvents", "{logs-of-others}:log-stream:*"),
        Call("logs:CreateLogGroup", "{logs-admin}"),
        Call("secretsmanager:PutSecretValue", "{keys}"),
        Call("secretsmanager:GetSecretValue", "{slack}"),
        Call("sagemaker-mlflow:CreateModelVersion", "{mlflow}"),
        Call("batch:SubmitJob", "{queue}"),
        *_read("models/*/model.onnx"),
        *_written("models/refused/*.json"),
        Call("logs:PutLogEvents", "{logs-predict}:log-stream:*"),
    ),
    "retrain": (
        *_read("new_data/*", "dataset/*", "ledger/*", "models/*"),
        *_written("new_data/*", "ledger/*", "models/*", conditions=(None, IF_NEW)),
        *_listed("new_data/", "dataset/", ""),
        Call("s3:ListBucketVersions", "{bucket}", prefix="secrets/"),
        Call("s3:GetObjectVersion", "{bucket}/new_data/*"),
        Call("batch:SubmitJob", "{definition}-of-others:1"),
        Call("batch:RegisterJobDefinition", "{definition}:1"),
        Call("logs:PutLogEvents", "{logs-predict}:log-stream:*"),
        Call("secretsmanager:GetSecretValue", "{keys}"),
    ),
    "notify": (
        *_read("jobs/*", "new_data/*"),
        Call("sns:Publish", "{topic}"),  # it would hear itself
        Call("secretsmanager:GetSecretValue", "{keys}"),
        Call("logs:PutLogEvents", "{logs-predict}:log-stream:*"),
    ),
    "job": (
        *_read("rejected/*", "predictions/*", "athena/*", "models/*/model.onnx"),
        *_written("new_data/*", "predictions/*", conditions=(None, IF_NEW)),
        *_written("dataset/*.parquet", "ledger/*.json", conditions=(None, IF_SAME)),
        *_listed("", "predictions/", "rejected/"),
        Call("s3:DeleteObject", "{bucket}/dataset/*"),
        Call("s3:PutObject", "{artifacts}/terraform.tfstate"),
        Call("s3:ListBucket", "{artifacts}", prefix=""),
        Call("secretsmanager:GetSecretValue", "{keys}"),
        Call("batch:SubmitJob", "{queue}"),
        Call("sagemaker-mlflow:DeleteModelVersion", "{mlflow}"),
    ),
    "uploader": (
        *_read("new_data/*", "dataset/*", "ledger/*", "secrets/holdout-key"),
        *_written("dataset/*", "jobs/*", "ledger/*", "models/*", conditions=(None, IF_NEW)),
        *_listed("", "new_data/", "dataset/"),
        Call("s3:DeleteObject", "{bucket}/new_data/*"),
        Call("secretsmanager:GetSecretValue", "{keys}"),
    ),
    "operator": (
        *_read("secrets/holdout-key", "dataset/*"),
        *_written("dataset/*", "jobs/*", "ledger/*", "models/*", conditions=(None, IF_NEW)),
        Call("s3:DeleteObject", "{bucket}/new_data/*"),
        Call("secretsmanager:GetSecretValue", "{slack}"),
        Call("apigateway:PATCH", "{gateway}/restapis/*"),
    ),
    "deployer": (
        *_read("new_data/*", "secrets/holdout-key"),
        *_written("new_data/*", "ledger/*", conditions=(None, IF_NEW)),
        Call("s3:DeleteObject", "{bucket}/*"),
        Call("iam:PassRole", "{role-of-others}"),
        Call("logs:PutResourcePolicy", "*"),
        Call("cloudformation:DeleteStack", "{stack-of-others}"),
    ),
}
"""What has to be refused, by role."""
