"""An account in which the template is deployed: conditions decided, references come to ARNs."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.deciding import Decisions
from infra.transforming import transformed

ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK = "housing-prod"
MLFLOW_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-tracking-server/mlflow"
SLACK_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slack-AbCdEf"
HOOK_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hook-AbCdEf"
WHOLE = {
    "Stage": "prod",
    "SageMakerMlflowArn": MLFLOW_ARN,
    "MlflowArtifactBucket": "artifacts-of-mlflow",
    "TrainingImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/housing:1",
    "TrainingSubnetIds": "subnet-1",
    "TrainingSecurityGroupIds": "sg-1",
    "SlackSecretArn": SLACK_ARN,
    "RegistryHookSecretArn": HOOK_ARN,
    "KeepPredictions": "true",
    "TrafficShift": "Canary10Percent5Minutes",
    "ApiAccessLogs": "on-with-role",
    "WebAcl": "made",
}
"""Parameters with which every role of the code is made, and the registry is one that signs."""

_NO_VALUE = object()
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": _NO_VALUE,
}
_NAMES = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::LogStream": "LogStreamName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Lambda::Function": "FunctionName",
}
"""The property that names a resource, where ``Ref`` is its name."""
_ARNS = {
    "AWS::Batch::JobDefinition": "batch:{at}:job-definition/{name}:1",
    "AWS::Batch::JobQueue": "batch:{at}:job-queue/{name}",
    "AWS::Logs::LogGroup": "logs:{at}:log-group:{name}:*",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KinesisFirehose::DeliveryStream": "firehose:{at}:deliverystream/{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{at}:{name}",
    "AWS::SQS::Queue": "sqs:{at}:{name}",
    "AWS::SageMaker::MlflowApp": "sagemaker:{at}:mlflow-app/{name}",
    "AWS::SageMaker::MlflowTrackingServer": "sagemaker:{at}:mlflow-tracking-server/{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{at}:secret:{name}-AbCdEf",
}
_NAMING = (
    "TopicName",
    "QueueName",
    "DeliveryStreamName",
    "JobDefinitionName",
    "Name",
    "BucketName",
    "LogGroupName",
)


class Account:
    """The resources of the expanded template with one set of parameters."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._template = transformed(**parameters)
        self._decisions = Decisions(self._template, parameters)
        self._parameters = {
            name: parameters.get(name, str(one.get("Default", "")))
            for name, one in self._template["Parameters"].items()
        }
        self.resources: dict[str, dict[str, Any]] = {
            name: one
            for name, one in self._template["Resources"].items()
            if "Condition" not in one or self._decisions.condition(one["Condition"])
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Return a resource's properties with all references resolved."""
        fields: dict[str, Any] = self.value(self.resources[name]["Properties"])
        return fields

    def of_type(self, kind: str) -> list[str]:
        """Return the names of the resources of one type."""
        return [name for name, one in self.resources.items() if one["Type"] == kind]

    def arn(self, name: str) -> str:
        """Return the ARN of a resource."""
        one = self.resources[name]
        given = one.get("Properties", {})
        named = next((given[field] for field in _NAMING if field in given), f"{STACK}-{name}")
        at = f"{REGION}:{ACCOUNT}"
        form = _ARNS.get(one["Type"], "made-up:{at}:{name}")
        return "arn:aws:" + form.format(at=at, account=ACCOUNT, name=self.value(named))

    def value(self, given: Any) -> Any:
        """Return a value with its references resolved; AWS::NoValue leaves nothing behind."""
        if isinstance(given, list):
            return [kept for one in given if (kept := self.value(one)) is not _NO_VALUE]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            [(function, argument)] = given.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._resolved(function, argument)
        pairs = {key: self.value(one) for key, one in given.items()}
        return {key: one for key, one in pairs.items() if one is not _NO_VALUE}

    def _resolved(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._reference(argument)
            case "Fn::GetAtt":
                return self.arn(argument[0])
            case "Fn::Sub":
                return self._substituted(argument)
            case "Fn::If":
                name, then, otherwise = argument
                return self.value(then if self._decisions.condition(name) else otherwise)
        raise AssertionError(function)

    def _reference(self, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        one = self.resources[name]
        field = _NAMES.get(one["Type"])
        return self.value(one["Properties"][field]) if field else self.arn(name)

    def _substituted(self, argument: Any) -> str:
        text, more = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self.value(one) for name, one in more.items()}

        def put_in(match: re.Match[str]) -> str:
            name = match[1]
            if name in values:
                return str(values[name])
            return str(self.arn(name.split(".")[0]) if "." in name else self._reference(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", put_in, text)


@cache
def account(**parameters: str) -> Account:
    """Return the account of one set of parameters; those of ``WHOLE`` where none is given."""
    return Account(parameters or WHOLE)
