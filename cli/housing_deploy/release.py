"""The digest of the predict function's code and configuration, for the parameter ``Release``.

It changes if and only if the function does: Lambda refuses to publish a version of an unchanged
function ("A version for this Lambda function exists").
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PARAMETER = "Release"
_FUNCTION = "PredictFunction"
_LAYER = "AWS::Serverless::LayerVersion"
_NOT_OF_A_VERSION = frozenset(
    {
        *("AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256"),
        *("DeploymentPreference", "EventInvokeConfig", "Events", "Policies", "PropagateTags"),
        *("ProvisionedConcurrencyConfig", "ReservedConcurrentExecutions", "Role", "Tags"),
        *("VersionDescription", "PermissionsBoundary", "RolePath"),
    }
)
"""Properties that become other resources: a change of them makes no new version."""


def release(template: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    """Return the digest of a packaged template's predict function.

    Args:
        template: In CloudFormation's long form.
        parameters: Values of all parameters.
    """
    common = template.get("Globals", {}).get("Function", {})
    parts: dict[str, Any] = {"Globals": _of_a_version(common)}
    waiting = [_FUNCTION, *_named(parts)]
    while waiting:
        name = waiting.pop()
        if name in parts or name == PARAMETER:
            continue
        parts[name] = _part(template, parameters, name)
        waiting += _named(parts[name])
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _part(template: Mapping[str, Any], parameters: Mapping[str, str], name: str) -> Any:
    if name in parameters:
        return parameters[name]
    resource = template["Resources"].get(name)
    if resource and (name == _FUNCTION or resource["Type"] == _LAYER):
        return _of_a_version(resource["Properties"])
    # Of any other resource the function has only the name or ARN.
    return template.get("Conditions", {}).get(name) or template.get("Mappings", {}).get(name)


def _of_a_version(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in properties.items() if name not in _NOT_OF_A_VERSION}


def _named(value: Any) -> Iterator[str]:
    """Yield the names of parameters, conditions, mappings and resources that a value refers to."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("Ref", "Condition") and isinstance(item, str):
                yield item
            elif key in ("Fn::If", "Fn::FindInMap") and isinstance(item[0], str):
                yield item[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)[^}]*\}", json.dumps(item))
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
