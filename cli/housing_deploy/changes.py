"""What a change set would do, and what would be lost by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

_REPLACED = {"True": "is replaced", "Conditional": "may be replaced"}
_SIGNS = {"Add": "+ add", "Modify": "~ change", "Remove": "- remove", "Import": "> take over"}


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
        """What would be lost, or left behind; None where nothing is."""
        held = STATEFUL.get(self.type)
        happens = "is removed" if self.action == "Remove" else _REPLACED.get(self.replacement)
        if held is None or happens is None:
            return None
        kept = "Retain" in self.policy
        fate = "stays in the old one, outside the stack" if kept else "is lost"
        return f"{self.resource} {happens}: {held} {fate}"

    @property
    def line(self) -> str:
        """The change, for a person."""
        sign = (
            "! replace" if self.replacement in _REPLACED else _SIGNS.get(self.action, self.action)
        )
        what = f"  ({', '.join(self.properties)})" if self.properties else ""
        return f"  {sign:<12} {self.type:<36} {self.resource}{what}"


def shown(
    changes: "tuple[Change, ...]", before: Mapping[str, str], after: Mapping[str, str]
) -> str:
    """Return the changes of resources and parameters, the dangerous ones again at the end."""
    lines = ["Parameters:"] if before != after else []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            lines.append(f"  {name}: {_value(old)} → {_value(new)}")
    lines.append("Resources:")
    lines += [change.line for change in sorted(changes, key=lambda one: (one.action, one.type))]
    dangers = [danger for change in changes if (danger := change.danger)]
    return "\n".join(
        [*lines, *(["WARNING:"] if dangers else []), *(f"  {text}" for text in dangers)]
    )


def _value(text: str | None) -> str:
    return "(none)" if text is None else text or '""'
