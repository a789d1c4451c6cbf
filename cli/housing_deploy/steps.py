"""The steps before CloudFormation, each a bounded command: checks, build, packages."""

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


def check(progress: Progress) -> None:
    """Run the linters and the tests that need no stack.

    Raises:
        StepError: They fail.
    """
    for target in ("lint", "test-unit"):
        with progress.step(f"make {target}"):
            _run(["make", target], _CHECK_SECONDS, _without_account())


def build(progress: Progress, architecture: str) -> Path:
    """Build the functions and layers; return the built template.

    Raises:
        StepError: The build fails.
    """
    with progress.step("make build") as step:
        _run(["make", "build", f"ARCH={architecture}"], _BUILD_SECONDS, _without_account())
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
    """Upload the packages with the SAM CLI.

    Returns:
        The packaged template, and the bucket of the packages.

    Raises:
        StepError: The upload fails.
    """
    packaged = built.with_name("packaged.yaml")
    command = [
        *(str(CHECKOUT / ".venvs/sam/bin/sam"), "package", "--template-file", str(built)),
        *("--resolve-s3", "--s3-prefix", prefix, "--output-template-file", str(packaged)),
        *(("--region", region) if region else ()),
    ]
    with progress.step("sam package") as step:
        _run(command, _PACKAGE_SECONDS, {**environment, "SAM_CLI_TELEMETRY": "0"})
        text = packaged.read_text()
        bucket = re.search(r"s3://([a-z0-9.-]+)/", text)
        if bucket is None:
            msg = f"{packaged} names no package in S3; is {built} a built template?"
            raise StepError(msg)
        step.note = f"s3://{bucket[1]}/{prefix}"
    return text, bucket[1]


def _without_account() -> dict[str, str]:
    """Return the environment without AWS and API settings: no test may use a real account."""
    private = ("AWS_", "HOUSING_")
    return {name: text for name, text in os.environ.items() if not name.startswith(private)}


def _run(command: Sequence[str], seconds: float, environment: Mapping[str, str]) -> None:
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
        msg = f"{command[0]} is missing; make deploy installs it; nothing was deployed"
        raise StepError(msg) from exc
    except subprocess.TimeoutExpired as exc:
        msg = f"{' '.join(command)} did not end within {seconds:.0f} s"
        raise StepError(msg) from exc
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        msg = f"{end}\n{' '.join(command)} failed (its last lines are above); nothing was deployed"
        raise StepError(msg)
