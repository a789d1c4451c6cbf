"""Read the SAM template, with CloudFormation's short forms written out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML with ``!Ref``, ``!Sub`` and the other short forms of CloudFormation."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path) -> dict[str, Any]:
    """Read a template file in the form that its JSON would have.

    Raises:
        TypeError: The file is not a template.
    """
    template = parse(path.read_text())
    if not isinstance(template, dict):
        msg = f"{path} is not a template"
        raise TypeError(msg)
    return template


def parse(text: str) -> Any:
    """Parse a template's text in the form that its JSON would have."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with more tags  # nosec B506


def with_defaults(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the template with other defaults of its parameters.

    MiniStack 1.5 passes no parameters to SAM's translator, which therefore resolves the use of
    CodeDeploy and the publication of versions from the defaults.
    """
    parameters = dict(template["Parameters"])
    for name, value in values.items():
        parameters[name] = {**parameters[name], "Default": value}
    return {**template, "Parameters": parameters}
