"""Write ``.local/env``, the variables with which a shell, a test or the command uses the stack.

Beside it ``.local/sam-env.json``, the variables of functions that SAM runs.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from housing.api_keys import Scope
from housing_ops.checkout import CHECKOUT
from local_stack.deploy.deployment import KEY_VARIABLES, Deployment
from local_stack.errors import OtherSubjectError
from local_stack.services.catalogue import aws_environment
from local_stack.settings import StackSettings

_WRAPPER = """#!/bin/sh
set -a
. "{env}"
exec "{python}" -m housing_cli "$@"
"""


def variables(settings: StackSettings, deployment: Deployment) -> dict[str, str]:
    """Return the stack's addresses, keys and credentials."""
    return {
        **aws_environment(settings),
        "MLFLOW_TRACKING_URI": settings.mlflow_url,
        "HOUSING_API_URL": settings.api_url,
        KEY_VARIABLES[Scope.PREDICT]: deployment.predict_key,
        KEY_VARIABLES[Scope.ADMIN]: deployment.admin_key,
        "HOUSING_API_KEYS": deployment.api_keys_secret,
        "HOUSING_USAGE_PLAN_ID": deployment.usage_plan_id,
        "HOUSING_BUCKET": deployment.bucket,
        "HOUSING_SUBJECT": settings.subject,
        "HOUSING_MODEL_NAME": settings.model_name,
        "HOUSING_ALERT_TOPIC_ARN": deployment.alert_topic_arn,
        "HOUSING_PREDICT_LOG_GROUP": f"/aws/lambda/{settings.stack_name}-predict",
    }


def write(settings: StackSettings, deployment: Deployment, sam_environment: str) -> None:
    """Write the files, readable by their owner only, and a ``housing`` command that uses them."""
    path = settings.state_dir / "env"
    _write(path, _lines(variables(settings, deployment)), 0o600)
    _write(settings.state_dir / "sam-env.json", sam_environment, 0o600)
    write_ports(settings)
    wrapper = _WRAPPER.format(env=path, python=settings.stack_python)
    _write(command(settings), wrapper, 0o755)


def check_subject(settings: StackSettings) -> None:
    """Check that the stack's data, if there are some, are of the subject of the settings.

    Raises:
        OtherSubjectError: They are of another.
    """
    path = settings.state_dir / "env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before = dict(line.partition("=")[::2] for line in lines).get("HOUSING_SUBJECT")
    if before not in {None, settings.subject}:
        msg = (
            f"{shown(settings.state_dir)} has the data and models of {before}: delete them with "
            f"`make clean`, or give {settings.subject} a folder with HOUSING_STATE_DIR"
        )
        raise OtherSubjectError(msg)


def write_ports(settings: StackSettings) -> None:
    """Write the ports for later commands."""
    _write(settings.ports_file, _lines(settings.places), 0o600)


def command(settings: StackSettings) -> Path:
    """Return the path of this stack's ``housing`` command."""
    return settings.state_dir / "bin" / "housing"


def shown(path: Path) -> str:
    """Return a path relative to the checkout, if it is in it."""
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)


def _lines(values: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    scratch.chmod(mode)
    scratch.replace(path)
