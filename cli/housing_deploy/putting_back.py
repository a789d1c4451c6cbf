"""What a deployment that failed is followed by, and what is told of it."""

from dataclasses import replace

from housing_deploy import stacks
from housing_deploy.change_set import Wanted, key_of
from housing_deploy.stacks import Snapshot
from housing_deploy.stage import Stage

_AT_ONCE = {"TrafficShift": "AllAtOnce"}
"""A canary on the way back would only serve what failed for longer, and its alarms ring already."""


def wanted_again(kept: Snapshot, wanted: Wanted) -> Wanted:
    """Return what was deployed before as something to deploy."""
    shifted = {name: value for name, value in _AT_ONCE.items() if name in kept.parameters}
    return replace(
        wanted,
        template=kept.template,
        parameters={**kept.parameters, **shifted},
        key=key_of(kept.template, wanted.key),
    )


def ended_in(stage: Stage, status: str, failures: str) -> str:
    """Say what it means that CloudFormation ended in this state."""
    if status == "UPDATE_ROLLBACK_COMPLETE":
        then = "CloudFormation has put back what was deployed before; repair it and deploy again"
    elif status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        then = (
            "it was the first deployment: what is left can only be deleted. "
            f"make destroy STAGE={stage.name}, repair it, deploy again"
        )
    else:
        then = f"see the events: {stacks.watching(stage.stack_name)}"
    return f"CloudFormation ended in {status}:\n{failures}\n{then}"


def nothing_to_go_back_to(stage: Stage) -> str:
    """Say what remains after a first deployment whose smoke test failed."""
    return (
        "It is the first deployment: there is nothing to go back to, and it stays as it is.\n"
        f"{logs(stage)}\nRepair it and deploy again, or: make destroy STAGE={stage.name}"
    )


def logs(stage: Stage) -> str:
    """Return where the reason is."""
    return f"see: aws logs tail /aws/lambda/{stage.stack_name}-predict --since 15m"
