"""What a change set would do, and what would be lost by it."""

import sys
from collections.abc import Mapping
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
"""Types whose resources hold something that no deployment makes again, and what."""

_SIGNS = {"Add": "+ add", "Modify": "~ change", "Remove": "- remove", "Import": "> take over"}
_REPLACING = {"True": "! replace", "Conditional": "? change"}
"""Conditional: replaced only if another resource's attribute turns out to be another one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource."""

    action: str
    resource: str
    type: str
    replacement: str
    policy: str
    """What CloudFormation does with what is removed: Delete, Retain, Snapshot."""
    properties: tuple[str, ...]

    @classmethod
    def of(cls, found: "ResourceChangeTypeDef") -> "Change":
        """Read CloudFormation's own description."""
        targets = [detail.get("Target", {}) for detail in found.get("Details", ())]
        names = [target.get("Name") or target.get("Attribute", "") for target in targets]
        return cls(
            action=found.get("Action", ""),
            resource=found.get("LogicalResourceId", ""),
            type=found.get("ResourceType", ""),
            replacement=found.get("Replacement", ""),
            policy=found.get("PolicyAction", ""),
            properties=tuple(dict.fromkeys(name for name in names if name)),
        )

    @property
    def danger(self) -> str | None:
        """What is lost, or left behind; None where nothing is."""
        held = STATEFUL.get(self.type)
        happens = {"Remove": "is removed"}.get(self.action) or {"True": "is replaced"}.get(
            self.replacement
        )
        if held is None or happens is None:
            return None
        stays = "Retain" in self.policy
        fate = "left in the old one, outside the stack" if stays else "lost"
        return f"{self.resource} {happens}: {fate}: {held}"

    @property
    def risk(self) -> str | None:
        """What would be lost if it comes to the worst; None where nothing would."""
        held = STATEFUL.get(self.type)
        if held is None or self.replacement != "Conditional":
            return None
        return f"{self.resource} is replaced if what it refers to is; it holds: {held}"

    @property
    def line(self) -> str:
        """The change, for a person."""
        sign = _REPLACING.get(self.replacement) or _SIGNS.get(self.action, self.action)
        what = f"  ({', '.join(self.properties)})" if self.properties else ""
        return f"  {sign:<12} {self.type:<36} {self.resource}{what}"


def shown(changes: tuple[Change, ...], before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the changes of parameters and resources, the dangerous ones again at the end."""
    lines = ["Resources:"]
    lines += [change.line for change in sorted(changes, key=lambda one: (one.action, one.type))]
    dangers = [f"  {change.danger}" for change in changes if change.danger]
    risks = [f"  {change.risk}" for change in changes if change.risk]
    return "\n".join(
        [
            *_parameters(before, after),
            *lines,
            *(["Perhaps:", *risks] if risks else []),
            *(["WARNING:", *dangers] if dangers else []),
        ]
    )


def _parameters(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    changed = [
        f"  {name}: {_value(before.get(name))} → {_value(after.get(name))}"
        if before
        else f"  {name}: {_value(after.get(name))}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    return ["Parameters:", *changed] if changed else []


def _value(text: str | None) -> str:
    return "(none)" if text is None else text or '""'


def confirm(question: str, given: str) -> None:
    """Go on only after a yes.

    Args:
        question: To ask.
        given: ``yes`` where it was answered beforehand.

    Raises:
        NotConfirmedError: The answer is no, or there is nobody to ask.
    """
    if given == "yes":
        return
    if not sys.stdin.isatty():
        msg = "there is nobody to ask: say CONFIRM=yes. Nothing was changed"
        raise NotConfirmedError(msg)
    if not typer.confirm(question):
        msg = "not confirmed; nothing was changed"
        raise NotConfirmedError(msg)


def confirm_name(question: str, name: str, given: str) -> None:
    """Go on only after a name was typed.

    Raises:
        NotConfirmedError: It is another one, or there is nobody to ask.
    """
    if not given and not sys.stdin.isatty():
        msg = f"there is nobody to ask: say CONFIRM={name}. Nothing was changed"
        raise NotConfirmedError(msg)
    if (given or typer.prompt(question)) != name:
        msg = f"that is not {name}; nothing was changed"
        raise NotConfirmedError(msg)
