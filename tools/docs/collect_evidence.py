"""Collects what AWS says about a deployed stack: ``python tools/docs/collect_evidence.py STACK``.

It reads, changes nothing, and writes JSON without secrets, keys or rows to standard output. A part
that cannot be read is in it with the error, so that one missing permission hides no other part.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_BOUNDED = Config(
    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"}
)
_FUNCTIONS = ("predict", "admin", "retrain", "notify")
_HOUR = 3_600
_MOST = 20
_ERRORS = '?ERROR ?"Task timed out" ?AccessDenied ?Traceback'
Client = Callable[[str], Any]


def evidence(stack: str, client: Client) -> dict[str, Any]:
    """Return what each service answers about a stack.

    Args:
        stack: Its name.
        client: Returns boto3's client of a service.
    """
    parts: Mapping[str, Callable[[str, Client], Any]] = {
        "stack": _stack,
        "failed_resources": _failed,
        "routes": _routes,
        "versions": _versions,
        "alarms": _alarms,
        "jobs": _jobs,
        "logs": _logs,
    }
    return {name: _read(part, stack, client) for name, part in parts.items()}


def _read(part: Callable[[str, Client], Any], stack: str, client: Client) -> Any:
    try:
        return part(stack, client)
    except (BotoCoreError, ClientError) as exc:
        return {"error": str(exc)}


def _stack(stack: str, client: Client) -> dict[str, Any]:
    [found] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {
        "status": found["StackStatus"],
        "reason": found.get("StackStatusReason"),
        "parameters": {
            one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())
        },
        "outputs": {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())},
    }


def _failed(stack: str, client: Client) -> list[dict[str, Any]]:
    events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        {
            "resource": one["LogicalResourceId"],
            "type": one["ResourceType"],
            "status": one["ResourceStatus"],
            "reason": one.get("ResourceStatusReason"),
        }
        for one in events
        if one.get("ResourceStatus", "").endswith("FAILED")
    ][:_MOST]


def _routes(stack: str, client: Client) -> dict[str, str]:
    gateway = client("apigateway")
    api = _stack(stack, client)["outputs"]["ApiId"]
    resources = gateway.get_resources(restApiId=api, limit=500)["items"]
    return {
        f"{method} {one['path']}": _called(
            gateway.get_integration(restApiId=api, resourceId=one["id"], httpMethod=method)
        )
        for one in sorted(resources, key=lambda one: one["path"])
        for method in sorted(one.get("resourceMethods", {}))
    }


def _called(integration: Mapping[str, Any]) -> str:
    """Return the function of an integration, with its alias."""
    return str(integration.get("uri", "")).rpartition("function:")[2].removesuffix("/invocations")


def _versions(stack: str, client: Client) -> dict[str, Any]:
    functions = client("lambda")
    name = f"{stack}-predict"
    alias = functions.get_alias(FunctionName=name, Name="live")
    live = functions.get_function_configuration(
        FunctionName=name, Qualifier=alias["FunctionVersion"]
    )
    return {
        "live": alias["FunctionVersion"],
        "shifting": alias.get("RoutingConfig"),
        "state": live.get("State"),
        "snap_start": live.get("SnapStart", {}).get("OptimizationStatus"),
    }


def _alarms(stack: str, client: Client) -> dict[str, str]:
    found = client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"]
    return {one["AlarmName"]: one["StateValue"] for one in found}


def _jobs(stack: str, client: Client) -> list[dict[str, Any]]:
    batch = client("batch")
    resources = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    queues = [
        one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::Batch::JobQueue"
    ]
    return [
        {
            "id": one["jobId"],
            "status": one["status"],
            "reason": one.get("statusReason"),
            "exit_code": one.get("container", {}).get("exitCode"),
        }
        for queue in queues
        for status in ("RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED")
        for one in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"][:_MOST]
    ]


def _logs(stack: str, client: Client) -> dict[str, Any]:
    """Return how often each function ran in the last hour, and its last lines about errors."""
    return {name: _read(_log, f"/aws/lambda/{stack}-{name}", client) for name in _FUNCTIONS}


def _log(group: str, client: Client) -> dict[str, Any]:
    logs = client("logs")
    since = int((time.time() - _HOUR) * 1_000)
    wanted = {"logGroupName": group, "startTime": since}
    starts = logs.filter_log_events(**wanted, filterPattern='"START RequestId"')["events"]
    errors = logs.filter_log_events(**wanted, filterPattern=_ERRORS)["events"]
    return {
        "invocations": len(starts),
        "errors": [one["message"].rstrip()[:1_000] for one in errors[-_MOST:]],
    }


def main() -> None:
    """Write the evidence of the stack that the command line names."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one argument
        sys.exit(__doc__)
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(service, config=_BOUNDED)  # type: ignore[call-overload]
        return made[service]

    sys.stdout.write(json.dumps(evidence(sys.argv[1], client), indent=2, default=str) + "\n")


if __name__ == "__main__":
    main()
