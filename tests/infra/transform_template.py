"""Expand a SAM template with SAM's own translator; runs in the environment sam, which has it.

Takes ``{"template": …, "parameters": …}`` on standard input and gives the CloudFormation template.
"""

import json
import os
import sys

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


class NoManagedPolicies:
    """The template names managed policies by ARN, so that nothing has to be looked up."""

    def load(self) -> dict[str, str]:
        """Return none."""
        return {}


asked = json.load(sys.stdin)
json.dump(transform(asked["template"], asked["parameters"], NoManagedPolicies()), sys.stdout)
