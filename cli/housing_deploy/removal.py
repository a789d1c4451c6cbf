"""Delete a stage's stack, by its name; list the resources that remain, and delete none of them."""

from collections.abc import Iterator

from housing_deploy import stacks
from housing_deploy.changes import confirm_name
from housing_deploy.errors import NotConfirmedError, RolloutError
from housing_deploy.stacks import Clients, EventStream, Stack
from housing_deploy.stage import Stage
from housing_ops.progress import Progress
from housing_ops.template import parse

_RETAINED_BUCKET = (
    "  {id}: its rows and models remain; a deployment of the same name takes it over.\n"
    "    To delete it with every version of every object:\n"
    "    .venvs/local/bin/python -c "
    "\"import boto3; boto3.resource('s3').Bucket('{id}').object_versions.delete()\"\n"
    "    aws s3 rb s3://{id}"
)


def remove(  # noqa: PLR0913 - each is a part or an answer, given by name
    stage: Stage, clients: Clients, progress: Progress, *, seconds: float, name: str, prod: str
) -> None:
    """Delete a stage's stack.

    Args:
        stage: The stage.
        clients: Clients of AWS.
        progress: Shows the steps.
        seconds: Limit for CloudFormation.
        name: The stack's name, if it is given beforehand.
        prod: ``yes`` if the stage prod may be deleted.

    Raises:
        DeployError: The stack was not deleted.
    """
    stack = stacks.find(clients.cloudformation, stage.stack_name)
    if stack is None:
        progress.say(f"There is no stack {stage.stack_name}.")
        return
    if stage.is_production and prod != "yes":
        msg = f"{stack.name} is production: set DESTROY_PROD=yes as well to delete it"
        raise NotConfirmedError(msg)
    retained, keys = list(_retained(clients, stack)), list(_keys(clients, stack))
    progress.say(f"All of {stack.name} is deleted except:")
    progress.say("\n".join(retained) or "  nothing")
    confirm_name(f"Type the stack's name to delete it ({stack.name})", stack.name, name)
    _delete(clients, stack, progress, seconds)
    if keys:
        progress.say("The keys are no longer valid; API Gateway still lists them:")
        progress.say("\n".join(f"  aws apigateway delete-api-key --api-key {key}" for key in keys))


def _delete(clients: Clients, stack: Stack, progress: Progress, seconds: float) -> None:
    if stack.is_protected:
        clients.cloudformation.update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
    with progress.step(f"deleting {stack.name}") as step:
        events = EventStream(clients.cloudformation, stack.id)
        clients.cloudformation.delete_stack(StackName=stack.id)
        step.note = events.until_end(seconds=seconds, say=step.say)
    if step.note != "DELETE_COMPLETE":
        msg = f"CloudFormation ended in {step.note}:\n{events.failures}"
        raise RolloutError(msg)


def _retained(clients: Clients, stack: Stack) -> Iterator[str]:
    """Yield the resources that remain, each with the way to delete it."""
    template = parse(stacks.snapshot(clients.cloudformation, stack).template)
    pages = clients.cloudformation.get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=stack.name):
        for resource in page["StackResourceSummaries"]:
            policy = template["Resources"].get(resource["LogicalResourceId"], {})
            if not policy.get("DeletionPolicy", "").startswith("Retain"):
                continue
            kind, physical_id = resource["ResourceType"], resource.get("PhysicalResourceId")
            if kind == "AWS::S3::Bucket" and physical_id:
                yield _RETAINED_BUCKET.format(id=physical_id)
            elif physical_id:
                yield f"  {kind} {physical_id}: delete it in the console"


def _keys(clients: Clients, stack: Stack) -> Iterator[str]:
    plan = stack.outputs.get("UsagePlanId")
    if plan:
        for key in clients.gateway.get_usage_plan_keys(usagePlanId=plan, limit=500)["items"]:
            yield key["id"]
