"""``infra/push-image`` with programs in the places of AWS's command line and Docker's.

They keep images as the real ones do; the tests check their calls.
"""

import os
import subprocess
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load

REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/housing-training"
DIGEST = "sha256:" + "a" * 64
AWS = f"""#!/bin/sh
echo "aws $*" >>"$TOLD"
case "$2" in
  describe-images) [ -e "$PUSHED" ] && echo {DIGEST} ;;
  get-login-password) echo a-password ;;
esac
"""
DOCKER = """#!/bin/sh
echo "docker $*" >>"$TOLD"
case "$1" in
  login) [ "$(cat)" = a-password ] ;;
  build) [ -z "$BROKEN" ] ;;
  push) : >"$PUSHED" ;;
esac
"""


class Registry:
    """The two programs and their calls."""

    def __init__(self, folder: Path) -> None:
        self.pushed, self._calls, self._bin = folder / "pushed", folder / "calls", folder / "bin"
        self._bin.mkdir()
        for name, text in (("aws", AWS), ("docker", DOCKER)):
            (self._bin / name).write_text(text)
            (self._bin / name).chmod(0o755)

    def push(self, *arguments: str, broken: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "TOLD": str(self._calls),
            "PUSHED": str(self.pushed),
            "BROKEN": broken,
        }
        return subprocess.run(
            [str(CHECKOUT / "infra/push-image"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self, beginning: str) -> list[str]:
        lines = self._calls.read_text().splitlines()
        return [line for line in lines if line.startswith(beginning)]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def platform_of_jobs() -> str:
    """Return the platform that the template's jobs run on, in Docker's words."""
    template = load(CHECKOUT / "infra/template.yaml")
    architecture = template["Parameters"]["TrainingArchitecture"]["Default"]
    return {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}[architecture]


def test_the_image_is_built_pushed_and_named_by_its_digest(registry: Registry) -> None:
    done = registry.push(REPOSITORY)

    assert (done.returncode, done.stdout) == (0, f"{REPOSITORY}@{DIGEST}\n")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - as the script does
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (build,) = registry.calls("docker build")
    assert f"--platform {platform_of_jobs()} " in build
    assert f"--file functions/retrain/Dockerfile --tag {REPOSITORY}:{commit} ." in build
    assert registry.calls("docker push") == [f"docker push {REPOSITORY}:{commit}"]
    assert all("--region eu-central-1" in line for line in registry.calls("aws"))
    assert "--repository-name team/housing-training" in registry.calls("aws ecr describe")[0]


def test_a_commit_that_is_there_is_not_built_again(registry: Registry) -> None:
    registry.push(REPOSITORY)

    again = registry.push(REPOSITORY)

    assert again.stdout == f"{REPOSITORY}@{DIGEST}\n"
    assert len(registry.calls("docker build")) == 1


def test_a_build_that_fails_pushes_and_prints_nothing(registry: Registry) -> None:
    done = registry.push(REPOSITORY, broken="yes")

    assert done.returncode != 0
    assert done.stdout == ""
    assert registry.calls("docker push") == []


def test_without_a_repository_it_asks_for_one(registry: Registry) -> None:
    done = registry.push()

    assert done.returncode != 0
    assert "which repository?" in done.stderr
