"""Removing a stage: asked for by name; what outlives it is said, and emptied by nobody."""

from collections.abc import Iterator
from dataclasses import dataclass

from housing_deploy import stacks
from housing_deploy.change_set import Follower
from housing_deploy.changes import confirm_name
from housing_deploy.errors import NotConfirmedError, RolloutError
from housing_deploy.plan import read_template
from housing_deploy.stacks import Clients, Stack
from housing_deploy.stage import Stage
from housing_ops.progress import Progress

_BUCKET = "AWS::S3::Bucket"
_EMPTY_IT = (
    "  {name}: its rows and models are still there; a deployment of the same name takes it over.\n"
    "    To be rid of it, with every version of every object:\n"
    "    .venvs/local/bin/python -c "
    "\"import boto3; boto3.resource('s3').Bucket('{name}').object_versions.delete()\"\n"
    "    aws s3 rb s3://{name}"
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A resource that outlives its stack."""

    type: str
    id: str

    @property
    def line(self) -> str:
        """What it is, and how to be rid of it."""
        if self.type == _BUCKET:
            return _EMPTY_IT.format(name=self.id)
        return f"  {self.type} {self.id}: remove it in the console"


def remove(  # noqa: PLR0913 - each is a part or an answer, given by name
    stage: Stage, clients: Clients, progress: Progress, *, seconds: float, name: str, prod: str
) -> None:
    """Delete a stage's stack.

    Args:
        stage: Which.
        clients: Of AWS.
        progress: Told how far it is.
        seconds: Longest that CloudFormation may take.
        name: The stack's name, where it was typed beforehand.
        prod: ``yes`` where the stage prod may be removed.

    Raises:
        DeployError: It is still there.
    """
    stack = stacks.find(clients.cloudformation, stage.stack_name)
    if stack is None:
        progress.say(f"There is no stack {stage.stack_name}.")
        return
    if stage.is_production and prod != "yes":
        msg = f"{stack.name} is production: DESTROY_PROD=yes as well, if it has to be"
        raise NotConfirmedError(msg)
    left, keys = list(_leftovers(clients, stack)), list(_keys(clients, stack))
    progress.say(f"All of {stack.name} is deleted but:")
    progress.say("\n".join(one.line for one in left) or "  nothing")
    confirm_name(f"Type the stack's name to delete it ({stack.name})", stack.name, name)
    _delete(clients, stack, progress, seconds)
    if keys:
        progress.say("The keys open nothing any more; the gateway still lists them:")
        progress.say("\n".join(f"  aws apigateway delete-api-key --api-key {key}" for key in keys))


def _delete(clients: Clients, stack: Stack, progress: Progress, seconds: float) -> None:
    if stack.is_protected:
        clients.cloudformation.update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
    with progress.step(f"deleting {stack.name}") as step:
        follower = Follower(clients.cloudformation, stack.id)
        clients.cloudformation.delete_stack(StackName=stack.id)
        step.note = follower.until_end(seconds=seconds, say=step.say)
    if step.note != "DELETE_COMPLETE":
        msg = f"CloudFormation ended in {step.note}:\n{follower.failures}"
        raise RolloutError(msg)


def _leftovers(clients: Clients, stack: Stack) -> Iterator[Leftover]:
    kept = stacks.snapshot(clients.cloudformation, stack)
    resources = read_template(kept.template)["Resources"]
    retained = {
        name
        for name, found in resources.items()
        if found.get("DeletionPolicy", "").startswith("Retain")
    }
    pages = clients.cloudformation.get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=stack.name):
        for found in page["StackResourceSummaries"]:
            if found["LogicalResourceId"] in retained and "PhysicalResourceId" in found:
                yield Leftover(found["ResourceType"], found["PhysicalResourceId"])


def _keys(clients: Clients, stack: Stack) -> Iterator[str]:
    plan = stack.outputs.get("UsagePlanId")
    if plan:
        for found in clients.gateway.get_usage_plan_keys(usagePlanId=plan, limit=500)["items"]:
            yield found["id"]
