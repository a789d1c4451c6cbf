"""What comes before CloudFormation: checks, build, packages; each is a bounded command."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from housing_deploy.errors import StepError
from housing_ops.checkout import CHECKOUT
from housing_ops.progress import Progress

BUILT = CHECKOUT / ".aws-sam/build/template.yaml"
_CHECK_SECONDS = 3600
_BUILD_SECONDS = 1800
_PACKAGE_SECONDS = 900
_LAST_LINES = 40
_OF_THE_ACCOUNT = ("AWS_", "HOUSING_")


def check(progress: Progress) -> None:
    """Lint, and run the tests that need nothing running.

    Raises:
        StepError: They do not pass.
    """
    for target in ("lint", "test-unit"):
        with progress.step(f"make {target}"):
            _run(["make", target], seconds=_CHECK_SECONDS, environment=_without_account())


def build(progress: Progress, architecture: str) -> Path:
    """Build what is deployed; return the built template.

    Raises:
        StepError: It does not build.
    """
    with progress.step("make build") as step:
        _run(
            ["make", "build", f"ARCH={architecture}"],
            seconds=_BUILD_SECONDS,
            environment=_without_account(),
        )
        step.note = architecture
    return BUILT


def package(
    progress: Progress,
    built: Path,
    *,
    prefix: str,
    region: str | None,
    environment: Mapping[str, str],
) -> tuple[str, str]:
    """Upload the packages with the SAM command.

    Returns:
        The template that names them, and the bucket in which they are.

    Raises:
        StepError: They cannot be uploaded.
    """
    packaged = built.with_name("packaged.yaml")
    command = [
        *(str(CHECKOUT / ".venvs/sam/bin/sam"), "package", "--template-file", str(built)),
        *("--resolve-s3", "--s3-prefix", prefix, "--output-template-file", str(packaged)),
        *(("--region", region) if region else ()),
    ]
    with progress.step("sam package") as step:
        _run(
            command, seconds=_PACKAGE_SECONDS, environment={**environment, "SAM_CLI_TELEMETRY": "0"}
        )
        text = packaged.read_text()
        bucket = re.search(r"s3://([a-z0-9.-]+)/", text)
        if bucket is None:
            msg = f"{packaged} names no package in S3; is {built} a built template?"
            raise StepError(msg)
        step.note = f"s3://{bucket[1]}/{prefix}"
    return text, bucket[1]


def _without_account() -> dict[str, str]:
    """Return the environment without what leads to an account: no test meets a real one."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OF_THE_ACCOUNT)}


def _run(command: Sequence[str], *, seconds: float, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the project's own programs
            command,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as exc:
        msg = f"{command[0]} is missing; make deploy installs what it needs; nothing was deployed"
        raise StepError(msg) from exc
    except subprocess.TimeoutExpired as exc:
        msg = f"{' '.join(command)} did not end within {seconds:.0f} s"
        raise StepError(msg) from exc
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        msg = f"{end}\n{' '.join(command)} failed (above: its last lines); nothing was deployed"
        raise StepError(msg)
