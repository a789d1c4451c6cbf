"""Evaluate the template's rules and conditions as CloudFormation does."""

from collections.abc import Mapping
from typing import Any


class Decisions:
    """What the template decides, given its parameters."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._template = template
        self._values = {
            name: parameters.get(name, str(declared.get("Default", "")))
            for name, declared in template["Parameters"].items()
        }

    def condition(self, name: str) -> bool:
        """Return whether a condition holds."""
        return self._holds(self._template["Conditions"][name])

    def broken_rules(self) -> list[str]:
        """Return what the rules say of these parameters; nothing if they pass."""
        return [
            assertion["AssertDescription"]
            for rule in self._template["Rules"].values()
            if "RuleCondition" not in rule or self._holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self._holds(assertion["Assert"])
        ]

    def _holds(self, value: Any) -> bool:
        [(name, given)] = value.items()
        match name:
            case "Condition":
                return self.condition(given)
            case "Fn::Not":
                return not self._holds(given[0])
            case "Fn::And":
                return all(map(self._holds, given))
            case "Fn::Or":
                return any(map(self._holds, given))
            case "Fn::Equals":
                return self._value(given[0]) == self._value(given[1])
            case "Fn::Contains":
                return self._value(given[1]) in self._value(given[0]).split(",")
        raise AssertionError(name)

    def _value(self, value: Any) -> str:
        return self._values[value["Ref"]] if isinstance(value, dict) else str(value)
