"""The parameters of a deployment, out of the template, the stage and what is deployed."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from housing_deploy.errors import StageError
from housing_deploy.release import PARAMETER, release
from local_stack.template import load

_RELEASE_DIGITS = 12


def read_template(text: str) -> dict[str, Any]:
    """Return a packaged template in CloudFormation's long form."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "packaged.yaml")
        path.write_text(text)
        return load(path)


def values(
    template: Mapping[str, Any], given: Mapping[str, str], present: Mapping[str, str]
) -> dict[str, str]:
    """Return each parameter's value: the given one, else the present one, else its default.

    Raises:
        StageError: A given one is not the template's.
    """
    known = template["Parameters"]
    strange = given.keys() - known.keys()
    if strange:
        msg = f"the template has no parameter {', '.join(sorted(strange))}"
        raise StageError(msg)
    defaults = {name: str(found["Default"]) for name, found in known.items() if "Default" in found}
    sources = defaults | {name: text for name, text in present.items() if name in known} | {**given}
    if PARAMETER in known and PARAMETER not in given:
        sources[PARAMETER] = release(template, sources)[:_RELEASE_DIGITS]
    return sources
