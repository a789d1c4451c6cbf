"""Deploying: changes shown, confirmed, made, tried; put back where the trial fails."""

from dataclasses import dataclass

import typer
from botocore.exceptions import BotoCoreError, ClientError

from housing_deploy import change_set, stacks
from housing_deploy.asking import confirm
from housing_deploy.change_set import ChangeSet, Wanted
from housing_deploy.changes import shown
from housing_deploy.clients import Clients
from housing_deploy.errors import DeployError, NotConfirmedError, RolloutError, SmokeError
from housing_deploy.following import Follower
from housing_deploy.health import api_client, api_url, health
from housing_deploy.plan import planned
from housing_deploy.putting_back import ended_in, logs, nothing_to_go_back_to, wanted_again
from housing_deploy.smoke import key_ring, smoke
from housing_deploy.stacks import Snapshot, Stack
from housing_deploy.stage import Stage
from local_stack.progress import Progress

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
