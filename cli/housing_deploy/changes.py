"""The changes of a change set, the state that they would lose, and the confirmation."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from housing_deploy.errors import NotConfirmedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ResourceChangeTypeDef

STATEFUL: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "the API's URL",
    "AWS::ApiGateway::UsagePlan": "which keys open the API",
    "AWS::DynamoDB::Table": "its items",
    "AWS::ECR::Repository": "its images",
    "AWS::KMS::Key": "all that it encrypts",
    "AWS::Logs::LogGroup": "its logs",
    "AWS::S3::Bucket": "uploads, data set, models, ledger",
    "AWS::SageMaker::MlflowApp": "runs, versions, aliases",
    "AWS::SageMaker::MlflowTrackingServer": "runs, versions, aliases",
    "AWS::SecretsManager::Secret": "the hashes of the API's keys",
    "AWS::SNS::Topic": "its subscriptions",
    "AWS::SQS::Queue": "its messages",
}
"""Resource types with state that no deployment can restore, and that state."""

_SIGNS = {"Add": "+ add", "Modify": "~ change", "Remove": "- remove", "Import": "> take over"}
_REPLACING = {"True": "! replace", "Conditional": "? change"}
"""Conditional: replaced only if an attribute of another resource changes."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one resource; ``policy`` is Delete, Retain or Snapshot on removal."""

    action: str
    resource: str
    type: str
    replacement: str
    policy: str
    properties: tuple[str, ...]

    @classmethod
    def of(cls, change: "ResourceChangeTypeDef") -> "Change":
        """Read CloudFormation's description."""
        targets = [detail.get("Target", {}) for detail in change.get("Details", ())]
        names = [target.get("Name") or target.get("Attribute", "") for target in targets]
        return cls(
            action=change.get("Action", ""),
            resource=change.get("LogicalResourceId", ""),
            type=change.get("ResourceType", ""),
            replacement=change.get("Replacement", ""),
            policy=change.get("PolicyAction", ""),
            properties=tuple(dict.fromkeys(name for name in names if name)),
        )

    @property
    def danger(self) -> str | None:
        """The state that is lost, or left outside the stack; None if there is none."""
        state = STATEFUL.get(self.type)
        verb = "is removed" if self.action == "Remove" else None
        verb = verb or ("is replaced" if self.replacement == "True" else None)
        if state is None or verb is None:
            return None
        stays = "Retain" in self.policy
        fate = "left in the old one, outside the stack" if stays else "lost"
        return f"{self.resource} {verb}: {fate}: {state}"

    @property
    def risk(self) -> str | None:
        """The state that a conditional replacement would lose; None if there is none."""
        state = STATEFUL.get(self.type)
        if state is None or self.replacement != "Conditional":
            return None
        return f"{self.resource} is replaced if a resource that it refers to is; it holds: {state}"

    @property
    def line(self) -> str:
        """The change as a line for people."""
        sign = _REPLACING.get(self.replacement) or _SIGNS.get(self.action, self.action)
        properties = f"  ({', '.join(self.properties)})" if self.properties else ""
        return f"  {sign:<12} {self.type:<36} {self.resource}{properties}"


def report(changes: Sequence[Change], before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the changes of parameters and resources; those that lose state again at the end."""
    names = sorted(before.keys() | after.keys())
    parameters = [
        f"  {name}: {f'{_value(before.get(name))} → ' if before else ''}{_value(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    ]
    ordered = sorted(changes, key=lambda change: (change.action, change.type))
    risks = [f"  {change.risk}" for change in changes if change.risk]
    dangers = [f"  {change.danger}" for change in changes if change.danger]
    return "\n".join(
        [
            *(["Parameters:", *parameters] if parameters else []),
            *("Resources:", *(change.line for change in ordered)),
            *(["Perhaps:", *risks] if risks else []),
            *(["WARNING:", *dangers] if dangers else []),
        ]
    )


def _value(text: str | None) -> str:
    return "(none)" if text is None else text or '""'


def require_no_loss(changes: Sequence[Change], replace: str) -> None:
    """Refuse changes that lose state, unless ``replace`` is ``yes``.

    Raises:
        NotConfirmedError: A change loses state.
    """
    if replace != "yes" and any(change.danger for change in changes):
        msg = "this would lose state (see the warning); REPLACE=yes allows it"
        raise NotConfirmedError(msg)


def confirm(question: str, answer: str) -> None:
    """Ask for a yes, unless ``answer`` is one.

    Raises:
        NotConfirmedError: The user declined, or there is no terminal to ask on.
    """
    if answer == "yes":
        return
    if not sys.stdin.isatty():
        msg = "no terminal to ask on: set CONFIRM=yes. Nothing was changed"
        raise NotConfirmedError(msg)
    if not typer.confirm(question):
        msg = "not confirmed; nothing was changed"
        raise NotConfirmedError(msg)


def confirm_name(question: str, name: str, answer: str) -> None:
    """Ask for a name, unless ``answer`` is given.

    Raises:
        NotConfirmedError: It is another name, or there is no terminal to ask on.
    """
    if not answer and not sys.stdin.isatty():
        msg = f"no terminal to ask on: set CONFIRM={name}. Nothing was changed"
        raise NotConfirmedError(msg)
    if (answer or typer.prompt(question)) != name:
        msg = f"that is not {name}; nothing was changed"
        raise NotConfirmedError(msg)
