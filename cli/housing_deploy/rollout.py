"""Deploying: changes shown, confirmed, made, tried; put back where the trial fails."""

from dataclasses import dataclass, replace

import typer
from botocore.exceptions import BotoCoreError, ClientError

from housing_deploy import change_set, stacks
from housing_deploy.change_set import ChangeSet, Follower, Wanted, key_of
from housing_deploy.changes import confirm, shown
from housing_deploy.errors import DeployError, NotConfirmedError, RolloutError, SmokeError
from housing_deploy.plan import planned
from housing_deploy.smoke import api_client, api_url, health, key_ring, smoke
from housing_deploy.stacks import Clients, Snapshot, Stack
from housing_deploy.stage import Stage
from housing_ops.progress import Progress

_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered beforehand."""

    confirm: str = ""
    replace: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of one stage."""

    stage: Stage
    clients: Clients
    progress: Progress
    seconds: float
    """Longest that CloudFormation may take."""
    smoke_seconds: float
    """Longest until the API answers."""

    def stack(self) -> Stack | None:
        """Return what is deployed, if it can be deployed upon."""
        found = stacks.find(self.clients.cloudformation, self.stage.stack_name)
        if found:
            stacks.require_deployable(found, self.stage.name)
        return found

    def deploy(self, template: str, bucket: str, answers: Answers) -> None:
        """Bring the stage to a packaged template, and prove that it answers.

        Raises:
            DeployError: It is not there; what is, and what to do, is said.
        """
        before = self.stack()
        had_model = before is not None and self._has_model(before)
        wanted = planned(self.stage, self.clients, before, template=template, bucket=bucket)
        with self.progress.step("change set"):
            proposed = change_set.propose(self.clients, before, wanted)
        if proposed is None:
            self.progress.say("No changes: what is deployed is what is here.")
            self._try(had_model=had_model)
            return
        kept = stacks.snapshot(self.clients.cloudformation, before) if before else None
        self._ask(proposed, before, wanted, answers)
        self._execute(proposed)
        self._protect(proposed.stack_id)
        try:
            self._try(had_model=had_model)
        except SmokeError as exc:
            raise self._after_failure(exc, wanted, kept, had_model=had_model) from exc

    def _has_model(self, stack: Stack) -> bool:
        with api_client(self._url(stack)) as api:
            found = health(api)
        return found is not None and found.model_version is not None

    def _url(self, stack: Stack) -> str:
        return api_url(stack.outputs, stack.parameters["Stage"], self.clients.endpoint_url)

    def _ask(
        self, proposed: ChangeSet, before: Stack | None, wanted: Wanted, answers: Answers
    ) -> None:
        old = before.parameters if before else {}
        self.progress.say(shown(proposed.changes, old, wanted.parameters))
        try:
            _require_allowed(proposed, answers)
            confirm(f"Deploy this to {wanted.stack_name}?", answers.confirm)
        except (NotConfirmedError, typer.Abort, KeyboardInterrupt):
            change_set.drop(self.clients, proposed, is_new=before is None)
            raise

    def _execute(self, proposed: ChangeSet, title: str = "CloudFormation") -> None:
        cloudformation = self.clients.cloudformation
        with self.progress.step(title) as step:
            follower = Follower(cloudformation, proposed.stack_id)
            cloudformation.execute_change_set(ChangeSetName=proposed.id)
            step.note = follower.until_end(seconds=self.seconds, say=step.say)
        if step.note not in _DONE:
            raise RolloutError(ended_in(self.stage, step.note, follower.failures))

    def _protect(self, stack_id: str) -> None:
        if self.stage.is_production:
            self.clients.cloudformation.update_termination_protection(
                StackName=stack_id, EnableTerminationProtection=True
            )

    def _try(self, *, had_model: bool) -> None:
        stack = self.stack()
        if stack is None:
            msg = f"the stack {self.stage.stack_name} is gone"
            raise RolloutError(msg)
        with self.progress.step("smoke test") as step, api_client(self._url(stack)) as api:
            step.note = smoke(
                api,
                key_ring(self.clients, stack.outputs),
                had_model=had_model,
                seconds=self.smoke_seconds,
                say=step.say,
            )
        self.progress.say(self._url(stack))

    def _after_failure(
        self, smoke_error: SmokeError, wanted: Wanted, kept: Snapshot | None, *, had_model: bool
    ) -> RolloutError:
        """Put back what was deployed before; return what to tell."""
        what = f"deployed, but the smoke test failed: {smoke_error}"
        if kept is None:
            return RolloutError(f"{what}\n{nothing_to_go_back_to(self.stage)}")
        self.progress.say(f"{what}\nThe deployment before is put back.")
        try:
            proposed = change_set.propose(self.clients, self.stack(), wanted_again(kept, wanted))
            if proposed:
                self._execute(proposed, "rollback")
            self._try(had_model=had_model)
        except (DeployError, ClientError, BotoCoreError) as exc:
            then = f"Going back fails as well: {exc}"
        else:
            then = "Rolled back: what was deployed before answers again."
        return RolloutError(f"{what}\n{then}\n{logs(self.stage)}")


def _require_allowed(proposed: ChangeSet, answers: Answers) -> None:
    if answers.replace != "yes" and any(change.danger for change in proposed.changes):
        msg = "what holds something would go (see the warning); REPLACE=yes allows it"
        raise NotConfirmedError(msg)


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
