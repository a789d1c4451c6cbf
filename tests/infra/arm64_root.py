"""Debian's Python 3.13 for arm64, run by qemu: the functions' processor on a machine of another."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.debian import bootstrap, program

ASKED_FOR = "HOUSING_ARM64"
"""Variable with which the tests run that fetch a system from Debian: ``make test-arm``."""
_RELEASE = "trixie"  # the first with Python 3.13
_PACKAGES = "python3.13,libstdc++6"
_CPU = (
    "Features\t: fp asimd aes sha1 sha2 crc32 atomics asimdrdm asimddp\nCPU implementer\t: 0x41\n"
)


@dataclass(frozen=True)
class Arm64:
    """A folder with the system, and how a program of it is run."""

    root: Path

    def python(
        self, program: str, *arguments: str, path: list[Path], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Python's."""
        command = [
            *("qemu-aarch64", "-L", str(self.root), str(self.root / "usr/bin/python3.13")),
            *("-B", "-c", program, *arguments),
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "tmp"),
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            **variables,
        }
        return subprocess.run(
            command,
            env=environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def made(folder: Path) -> Arm64:
    """Unpack Debian's packages: none of their programs has to run for that."""
    root = folder / "arm64"
    bootstrap("--foreign", "--arch=arm64", f"--include={_PACKAGES}", _RELEASE, str(root))
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        subprocess.run(
            [program("dpkg-deb"), "--extract", package, root], check=True, capture_output=True
        )
    # ONNX Runtime looks at the processor, and does not survive that its files are another's.
    (root / "proc/cpuinfo").write_text(f"processor\t: 0\n{_CPU}CPU architecture: 8\n\n")
    cpus = root / "sys/devices/system/cpu"
    cpus.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cpus / name).write_text("0\n")
    return Arm64(root)


PURE = ("boto3", "botocore", "s3transfer", "dateutil", "jmespath", "six.py", "urllib3")
"""Packages of Lambda's runtime itself, which no layer has; they hold no machine code."""


def runtime_packages(folder: Path) -> Path:
    """Copy what Lambda's runtime brings."""
    import boto3  # noqa: PLC0415 - only its place

    installed = Path(boto3.__file__).parents[1]
    for name in PURE:
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder)
    return folder
