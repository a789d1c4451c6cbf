"""IAM's decision on one request, within one account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: a deny
anywhere refuses; else an allow of the caller's own policies, or of the resource's that names the
caller, lets it through; else it is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One action on one resource, and the keys of its context."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    principal: str = "role"
    """A service's name where a service asks for itself."""


def is_allowed(
    request: Request, own: Iterable[Statement], of_resources: Iterable[Statement] = ()
) -> bool:
    """Decide by the statements of the caller's policies and of the policies of resources."""
    others = [one for one in of_resources if _is_principal(one["Principal"], request.principal)]
    fitting = [one for one in (*own, *others) if fits(one, request)]
    effects = {one["Effect"] for one in fitting}
    return "Allow" in effects and "Deny" not in effects


def fits(statement: Statement, request: Request) -> bool:
    """Return whether a statement speaks of a request."""
    actions = as_list(statement["Action"])
    resources = as_list(statement["Resource"])
    return (
        any(matches(one.lower(), request.action.lower()) for one in actions)
        and any(matches(one, request.resource) for one in resources)
        and all(
            _holds(operator, key, as_list(wanted), request.context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, wanted in pairs.items()
        )
    )


def matches(pattern: str, text: str) -> bool:
    """Return whether a text is as a pattern of IAM says: * is any text, ? any character."""
    return _compiled(pattern).fullmatch(text) is not None


def as_list(value: str | Sequence[str]) -> list[str]:
    """Return what a policy may write as one text or as several."""
    return [value] if isinstance(value, str) else [str(one) for one in value]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    """Return whether a condition holds; without the key only Null and denials can."""
    lower = {name.lower(): value for name, value in context.items()}
    value = lower.get(key.lower())
    match operator:
        case "Null":
            return (value is None) == (wanted == ["true"])
        case "StringEquals" | "Bool":
            return value in wanted
        case "StringNotEquals":
            return value not in wanted
        case "StringLike" | "ArnLike" | "ArnEquals":
            return value is not None and any(matches(one, value) for one in wanted)
    raise AssertionError(operator)


def _is_principal(named: Any, asking: str) -> bool:
    return named == "*" or asking in as_list(named.get("Service", ()))
