"""Deploy the template to the local endpoint through CloudFormation, if it changed."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from housing.api_keys import Scope
from housing_ops.checkout import CHECKOUT
from housing_ops.key_ring import KeyRing
from housing_ops.template import load, with_defaults
from local_stack.deploy.packaging import package
from local_stack.errors import DeploymentError
from local_stack.services.catalogue import ARTIFACT_BUCKET
from local_stack.settings import ACCESS_KEY, REGION, SECRET_KEY, StackSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef, WaiterConfigTypeDef

_DIGEST_TAG = "deployment-digest"
_STAGE = "local"
_RELEASE_DIGITS = 12
_HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_WAIT: "WaiterConfigTypeDef" = {"Delay": 1, "MaxAttempts": 120}


@dataclass(frozen=True, slots=True)
class Deployment:
    """Outputs and keys of the deployed stack."""

    bucket: str
    alert_topic_arn: str
    api_gateway_url: str
    api_keys_secret: str
    usage_plan_id: str
    predict_key: str
    admin_key: str
    changed: bool


def client(settings: StackSettings, service: Any) -> Any:
    """Return a client of the local endpoint, with bounded waits."""
    return boto3.client(
        service,
        endpoint_url=settings.aws_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": 2},
            signature_version="s3v4" if service == "s3" else None,
        ),
    )


def deploy(settings: StackSettings) -> Deployment:
    """Deploy the checkout, and read the stack's outputs.

    Raises:
        DeploymentError: CloudFormation failed.
    """
    artifacts = f"{settings.stack_name}-deployment"
    template, packages = package(
        load(CHECKOUT / "infra" / "template.yaml"),
        bucket=artifacts,
        python=settings.functions_python,
    )
    parameters = _parameters(settings) | slack_parameters(
        client(settings, "secretsmanager"),
        stack_name=settings.stack_name,
        webhook_url=settings.slack_webhook_url,
    )
    digest = hashlib.sha256(json.dumps([template, parameters]).encode()).hexdigest()
    parameters["Release"] = digest[:_RELEASE_DIGITS]
    cloudformation = client(settings, "cloudformation")
    changed = _digest(_find(cloudformation, settings.stack_name)) != digest
    if changed:
        body = json.dumps(with_defaults(template, parameters)).encode()
        contents = {archive.key: archive.content for archive in packages}
        _upload(settings, artifacts, contents | {f"{digest}.json": body})
        url = f"{settings.aws_url}/{artifacts}/{digest}.json"
        _apply(cloudformation, settings.stack_name, url, parameters, digest)
    return _read(settings, cloudformation, changed=changed)


def _parameters(settings: StackSettings) -> dict[str, str]:
    return {
        "Stage": _STAGE,
        "FunctionRuntime": "provided.al2023",
        "MlflowTrackingUri": settings.mlflow_url,
        "Subject": settings.subject,
        "ModelName": settings.model_name,
        "ModelTtlSeconds": str(settings.model_ttl_seconds),
        "ShadowShare": str(settings.shadow_share),
        "ShadowBudgetMs": str(settings.shadow_budget_ms),
        "JobLauncher": "local",
        "TrainingEngine": settings.engine,
        "TrainingSettings": settings.training_settings,
        "TrainingTimeoutSeconds": str(settings.training_timeout_seconds),
        "LocalEndpointUrl": settings.aws_url,
        "LocalPython": str(settings.stack_python),
        "LocalJobsDir": str(settings.jobs_dir),
    }


def _upload(settings: StackSettings, bucket: str, contents: Mapping[str, bytes]) -> None:
    s3 = client(settings, "s3")
    for name in (bucket, ARTIFACT_BUCKET):
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name)
    for key, content in contents.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)


def _find(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return None


def _digest(stack: "StackTypeDef | None") -> str | None:
    if stack is None or stack["StackStatus"] not in _HEALTHY:
        return None
    return next((tag["Value"] for tag in stack.get("Tags", []) if tag["Key"] == _DIGEST_TAG), None)


def _apply(
    cloudformation: "CloudFormationClient",
    name: str,
    template_url: str,
    parameters: Mapping[str, str],
    digest: str,
) -> None:
    stack = _find(cloudformation, name)
    if stack and stack["StackStatus"] not in _HEALTHY:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_WAIT)
        stack = None
    kind = "update" if stack else "create"
    change_set = f"deploy-{digest[:12]}"
    try:
        cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if stack else "CREATE",
            TemplateURL=template_url,  # too long for a body
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Tags=[{"Key": _DIGEST_TAG, "Value": digest}],
        )
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=name, ChangeSetName=change_set, WaiterConfig=_WAIT
        )
        cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        cloudformation.get_waiter(f"stack_{kind}_complete").wait(  # type: ignore[call-overload]
            StackName=name, WaiterConfig=_WAIT
        )
    except (ClientError, WaiterError) as exc:
        msg = (
            f"CloudFormation could not {kind} {name}: {_why(cloudformation, name) or exc}\n"
            "see make logs; if the endpoint was killed while deploying, make clean and make run"
        )
        raise DeploymentError(msg) from exc


def _why(cloudformation: "CloudFormationClient", name: str) -> str:
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return ""
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    return "; ".join(
        f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}" for event in failed
    )


def _read(
    settings: StackSettings, cloudformation: "CloudFormationClient", *, changed: bool
) -> Deployment:
    stack = _find(cloudformation, settings.stack_name)
    if stack is None:
        msg = f"the stack {settings.stack_name} is gone; run make run again"
        raise DeploymentError(msg)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    ring = KeyRing(
        secrets=client(settings, "secretsmanager"),
        gateway=client(settings, "apigateway"),
        secret_id=outputs["ApiKeysSecretArn"],
        usage_plan_id=outputs["UsagePlanId"],
    )
    keys = ensure_keys(ring, settings.state_dir / "env")
    return Deployment(
        bucket=outputs["BucketName"],
        alert_topic_arn=outputs["AlertTopicArn"],
        api_gateway_url=f"{settings.aws_url}/restapis/{outputs['ApiId']}/{_STAGE}/_user_request_",
        api_keys_secret=ring.secret_id,
        usage_plan_id=ring.usage_plan_id,
        predict_key=keys[Scope.PREDICT],
        admin_key=keys[Scope.ADMIN],
        changed=changed,
    )


KEY_VARIABLES: Mapping[Scope, str] = {
    Scope.PREDICT: "HOUSING_API_KEY",
    Scope.ADMIN: "HOUSING_ADMIN_KEY",
}


def ensure_keys(ring: KeyRing, env_file: Path) -> dict[Scope, str]:
    """Return a key for each scope: that of the file if it is valid, else a new one."""
    kept = read_variables(env_file)
    document = ring.document()
    keys = {}
    for scope, variable in KEY_VARIABLES.items():
        key = kept.get(variable, "")
        entry = document.find(key)
        if entry is None or scope not in entry.scopes:
            key = ring.create(scope).key
        keys[scope] = key
    return keys


def read_variables(env_file: Path) -> dict[str, str]:
    """Read the variables of ``.local/env``; none before the first start."""
    if not env_file.exists():
        return {}
    lines = env_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def slack_parameters(secrets: Any, *, stack_name: str, webhook_url: str | None) -> dict[str, str]:
    """Store the webhook as a secret of the local endpoint; return its template parameters."""
    if webhook_url is None:
        return {}
    name = f"{stack_name}/slack-webhook"
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString=webhook_url)
    arn = secrets.put_secret_value(SecretId=name, SecretString=webhook_url)["ARN"]
    parts = urlsplit(webhook_url)
    return {"SlackSecretArn": arn, "SlackOrigin": f"{parts.scheme}://{parts.netloc}"}
