"""The content of ``.local/sam-env.json``, the variables of functions under ``sam local``.

SAM passes only variables that the template names, and resolves no conditions in them: the file has
all of them with the values of the deployed function, but without the check of keys.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from local_stack.deploy.deployment import client
from local_stack.settings import StackSettings

_FUNCTION = "AWS::Serverless::Function"
_LAUNCHER = "HOUSING_JOB_LAUNCHER"
_IN_A_CONTAINER = {
    _LAUNCHER: "batch",  # a container has neither the laptop's Python nor its processes
    "HOUSING_BATCH_JOB_QUEUE": "local",
    "HOUSING_BATCH_JOB_DEFINITION": "local",
}
_OPEN = {"HOUSING_AUTH": "off", "HOUSING_API_KEYS": ""}  # sample events carry no key


def content(settings: StackSettings) -> str:
    """Return the content for the deployed functions."""
    template = load(CHECKOUT / "infra" / "template.yaml")
    variables = overrides(template, _deployed(settings, functions(template)))
    return json.dumps(variables, indent=2) + "\n"


def overrides(
    template: Mapping[str, Any], deployed: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return each deployed function's variables as the template names them.

    Args:
        template: The template, long form.
        deployed: The variables of each function, by its logical id.
    """
    named = functions(template)
    return {
        function: {name: _value(values, name) for name in named[function]}
        for function, values in deployed.items()
    }


def functions(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the variables of each function, by its logical id."""
    of_all = template["Globals"]["Function"]["Environment"]["Variables"]
    return {
        logical_id: [*of_all, *_own(resource)]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == _FUNCTION
    }


def _own(resource: Mapping[str, Any]) -> Iterable[str]:
    variables: dict[str, Any] = resource["Properties"].get("Environment", {}).get("Variables", {})
    return variables


def _value(values: Mapping[str, str], name: str) -> str:
    if values.get(_LAUNCHER) == "local" and name in _IN_A_CONTAINER:
        return _IN_A_CONTAINER[name]
    if name in _OPEN:
        return _OPEN[name]
    return values.get(name, "")


def _deployed(settings: StackSettings, logical_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    cloudformation = client(settings, "cloudformation")
    resources = cloudformation.describe_stack_resources(StackName=settings.stack_name)
    names = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources["StackResources"]
    }
    aws_lambda = client(settings, "lambda")
    return {
        logical_id: aws_lambda.get_function_configuration(FunctionName=names[logical_id])[
            "Environment"
        ]["Variables"]
        for logical_id in logical_ids
        if logical_id in names
    }
