"""The template as CloudFormation gets it: expanded by SAM's own translator."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra.reading import TEMPLATE

_PROGRAM = Path(__file__).with_name("transform_template.py")
_CODE = ("CodeUri", "ContentUri")


def transformed(*, code: str = "code", **parameters: str) -> dict[str, Any]:
    """Return the expanded template.

    Args:
        code: What the packages are said to hold.
        parameters: Those of the template that are not left to their defaults.
    """
    return json.loads(_transformed(code, tuple(sorted(parameters.items()))))  # type: ignore[no-any-return]


@cache
def _transformed(code: str, parameters: tuple[tuple[str, str], ...]) -> str:
    template = load(TEMPLATE)
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        for field in set(_CODE) & set(properties):
            properties[field] = f"s3://packages/{code}-{Path(properties[field]).name}.zip"
    done = subprocess.run(
        [str(CHECKOUT / ".venvs/sam/bin/python"), str(_PROGRAM)],
        input=json.dumps({"template": template, "parameters": dict(parameters)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
