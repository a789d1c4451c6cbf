"""Lint what SAM makes of the template for each stage: ``python -m infra.lint_expanded``.

cfn-lint leaves out of a SAM template what it cannot follow there, such as a ``DependsOn`` on a
resource whose name begins as that of a resource that SAM expands.
"""

import json
import sys
from collections import defaultdict

from cfnlint.api import lint

from housing_deploy.stage import read_stage
from housing_ops.checkout import CHECKOUT
from infra.transforming import transformed

STAGES = tuple(sorted(path.stem for path in (CHECKOUT / "infra/stages").glob("*.yaml")))
_OF_THE_SOURCE = ("W2001", "W7001")
"""A parameter and a mapping that SAM itself has used up are no longer used."""


def expanded() -> dict[str, list[str]]:
    """Return the expanded templates, each once, with the stages that get it."""
    texts: dict[str, list[str]] = defaultdict(list)
    for stage in STAGES:
        parameters = read_stage(CHECKOUT / "samconfig.toml", stage).parameters
        texts[json.dumps(transformed(**parameters), indent=1)].append(stage)
    return dict(texts)


def findings(template: str) -> list[str]:
    """Return what cfn-lint says of an expanded template."""
    matches = lint(template)
    return [f"{one.rule.id} {one.message}" for one in matches if one.rule.id not in _OF_THE_SOURCE]


if __name__ == "__main__":
    problems = [
        f"{', '.join(stages)}: {text}"
        for template, stages in expanded().items()
        for text in findings(template)
    ]
    sys.exit("\n".join(problems) or 0)
