"""Deploy a stage: show the changes, ask, make them, test the API; roll back if the test fails."""

from dataclasses import dataclass, replace

import typer
from botocore.exceptions import BotoCoreError, ClientError

from housing_deploy import change_set, stacks
from housing_deploy.change_set import ChangeSet, StackRequest
from housing_deploy.changes import confirm, report, require_no_loss
from housing_deploy.errors import DeployError, NotConfirmedError, RolloutError, SmokeError
from housing_deploy.plan import plan
from housing_deploy.smoke import api_client, api_url, key_ring, read_health, smoke
from housing_deploy.stacks import Clients, EventStream, Snapshot, Stack
from housing_deploy.stage import Stage
from housing_ops.progress import Progress


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that are given beforehand."""

    confirm: str = ""
    replace: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of one stage."""

    stage: Stage
    clients: Clients
    progress: Progress
    seconds: float
    """Limit for CloudFormation."""
    smoke_seconds: float
    """Limit until the API answers."""

    def stack(self) -> Stack | None:
        """Return the deployed stack; None if there is none.

        Raises:
            StackStateError: It is in a state that allows no update.
        """
        stack = stacks.find(self.clients.cloudformation, self.stage.stack_name)
        if stack:
            stacks.require_deployable(stack, self.stage.name)
        return stack

    def deploy(self, template: str, bucket: str, answers: Answers) -> None:
        """Deploy a packaged template, and prove that the API answers.

        Raises:
            DeployError: The deployment failed; the message has the state and the next step.
        """
        before = self.stack()
        had_model = before is not None and self._has_model(before)
        wanted = plan(self.stage, self.clients, before, template=template, bucket=bucket)
        with self.progress.step("change set"):
            proposed = change_set.propose(self.clients, before, wanted)
        if proposed is None:
            self.progress.say("No changes: the stack is up to date.")
            self._test(had_model=had_model)
            return
        kept = stacks.snapshot(self.clients.cloudformation, before) if before else None
        self._ask(proposed, before, wanted, answers)
        self._execute(proposed)
        if self.stage.is_production:
            self.clients.cloudformation.update_termination_protection(
                StackName=proposed.stack_id, EnableTerminationProtection=True
            )
        try:
            self._test(had_model=had_model)
        except SmokeError as exc:
            raise self._roll_back(exc, wanted, kept, had_model=had_model) from exc

    def _has_model(self, stack: Stack) -> bool:
        with api_client(self._url(stack)) as api:
            health = read_health(api)
        return health is not None and health.model_version is not None

    def _url(self, stack: Stack) -> str:
        return api_url(stack.outputs, stack.parameters["Stage"], self.clients.endpoint_url)

    def _ask(
        self, proposed: ChangeSet, before: Stack | None, wanted: StackRequest, answers: Answers
    ) -> None:
        old = before.parameters if before else {}
        self.progress.say(report(proposed.changes, old, wanted.parameters))
        try:
            require_no_loss(proposed.changes, answers.replace)
            confirm(f"Deploy this to {wanted.stack_name}?", answers.confirm)
        except (NotConfirmedError, typer.Abort, KeyboardInterrupt):
            change_set.drop(self.clients, proposed, is_new=before is None)
            raise

    def _execute(self, proposed: ChangeSet, title: str = "CloudFormation") -> None:
        with self.progress.step(title) as step:
            events = EventStream(self.clients.cloudformation, proposed.stack_id)
            change_set.execute(self.clients, proposed)
            step.note = events.until_end(seconds=self.seconds, say=step.say)
        if step.note not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise RolloutError(failure(self.stage, step.note, events.failures))

    def _test(self, *, had_model: bool) -> None:
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

    def _roll_back(
        self,
        smoke_error: SmokeError,
        wanted: StackRequest,
        kept: Snapshot | None,
        *,
        had_model: bool,
    ) -> RolloutError:
        """Deploy the stack's former state again; return the error to raise."""
        logs = f"see: aws logs tail /aws/lambda/{self.stage.stack_name}-predict --since 15m"
        reason = f"deployed, but the smoke test failed: {smoke_error}"
        if kept is None:
            return RolloutError(
                f"{reason}\nThis was the first deployment: there is nothing to roll back to, and "
                f"it stays as it is.\n{logs}\n"
                f"Repair it and deploy again, or: make destroy STAGE={self.stage.name}"
            )
        self.progress.say(f"{reason}\nRolling back to the previous deployment.")
        try:
            proposed = change_set.propose(self.clients, self.stack(), former(kept, wanted))
            if proposed:
                self._execute(proposed, "rollback")
            self._test(had_model=had_model)
        except (DeployError, ClientError, BotoCoreError) as exc:
            result = f"The rollback fails as well: {exc}"
        else:
            result = "Rolled back: the previous deployment is live again."
        return RolloutError(f"{reason}\n{result}\n{logs}")


def former(kept: Snapshot, wanted: StackRequest) -> StackRequest:
    """Return the request for the former state of a stack, without a canary.

    A canary on the way back would only serve the failed version for longer, and its alarms are on.
    """
    at_once = {"TrafficShift": "AllAtOnce"} if "TrafficShift" in kept.parameters else {}
    return replace(wanted, template=kept.template, parameters={**kept.parameters, **at_once})


def failure(stage: Stage, status: str, failures: str) -> str:
    """Return the message for a deployment that ended in this state."""
    if status == "UPDATE_ROLLBACK_COMPLETE":
        step = "CloudFormation rolled back to the previous deployment; repair it and deploy again"
    elif status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        step = (
            "this was the first deployment, and CloudFormation can only delete it: "
            f"make destroy STAGE={stage.name}, repair it, deploy again"
        )
    else:
        step = f"see the events: {stacks.watch_command(stage.stack_name)}"
    return f"CloudFormation ended in {status}:\n{failures}\n{step}"
