"""Replay of a Dockerfile without an engine: Debian by debootstrap, commands by chroot."""

import os
import re
import shutil
import string
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from infra.debian import bootstrap, program
from infra.dockerfile import Context, Instruction, UnknownInstructionError

ASKED_FOR = "HOUSING_IMAGE"
"""Variable with which the image is built: ``make test-image``."""
_BASE = re.compile(r"python:(?P<minor>3\.\d+)\.\d+-slim-(?P<debian>[a-z]+)")
_LIBRARIES = (  # of the image python:…-slim, besides Debian's smallest
    "ca-certificates,netbase,tzdata,libbz2-1.0,libffi8,liblzma5,libncursesw6,libreadline8,"
    "libsqlite3-0,libssl3,libuuid1,zlib1g"
)
_NONE: Mapping[str, str] = MappingProxyType({})
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_ISOLATED = ("--mount", "--pid", "--fork", "--kill-child")
# The mounts end with the namespace. The files of the machine are those that installers need.
_MOUNT = """
root=$1; shift
mount -t proc proc "$root/proc" && mount -t sysfs -o ro sysfs "$root/sys"
mkdir -p "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm" || exit 125
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root${1%/*}"; touch -a "$root$1"; fi
  mount --bind "$1" "$root$1" && mount -o remount,bind,ro "$root$1" || exit 125
  shift
done
shift
exec chroot "$@"
"""


@dataclass
class Stage:
    """A stage of a build: its files and how its programs are run."""

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    user: str = "root"
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)

    def run(
        self, *command: str, variables: Mapping[str, str] = _NONE, mounted: Sequence[Path] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the stage's user, with no more of this machine than is mounted."""
        passwd = (self.root / "etc/passwd").read_text().splitlines()
        home = next(row.split(":")[5] for row in passwd if row.split(":")[0] == self.user)
        environment = {"HOME": home, **self.variables, **variables}
        inside = ["env", "-i", f"--chdir={self.workdir}"]
        inside += [f"{name}={value}" for name, value in environment.items()]
        return subprocess.run(
            [
                *(program("unshare"), *_ISOLATED, "sh", "-c", _MOUNT, "sh", str(self.root)),
                *(*map(str, mounted), "--", f"--userspec={self.user}", str(self.root)),
                *(*inside, *command),
            ],
            capture_output=True,
            text=True,
            timeout=1_200,
            check=False,
        )

    def start(
        self, *arguments: str, variables: Mapping[str, str] = _NONE
    ) -> subprocess.CompletedProcess[str]:
        """Run the entry point with arguments, as an engine starts a container."""
        return self.run(*self.entrypoint, *arguments, variables=variables)


class ImageBuild:
    """A build: ``stage`` is the last one after ``replay``."""

    def __init__(self, folder: Path, context: Context) -> None:
        self._folder, self._context = folder, context
        self._bases: dict[str, Path] = {}
        self._stages: dict[str, Stage] = {}
        self.stage = Stage(folder)

    def replay(self, instructions: Sequence[Instruction]) -> Stage:
        """Follow the instructions; return the last stage."""
        for instruction in instructions:
            getattr(self, f"_{instruction.name.lower()}")(instruction)
        return self.stage

    def _from(self, instruction: Instruction) -> None:
        image, *alias = instruction.words
        if alias and alias[0].upper() != "AS":
            raise UnknownInstructionError(instruction.rest)
        if image not in self._bases:
            self._bases[image] = _base(self._folder / f"base{len(self._bases)}", image)
        self.stage = Stage(self._folder / f"stage{len(self._stages)}")
        _copy_tree(self._bases[image], self.stage.root)
        self._stages[alias[1] if alias else str(len(self._stages))] = self.stage

    def _copy(self, instruction: Instruction) -> None:
        *option, source, target = instruction.words
        to = self._inside(target)
        if option:
            [stage] = option
            name = stage.removeprefix("--from=")
            _copy_tree(self._stages[name].root / source.lstrip("/"), to)
            return
        for path, file in self._context.files(source).items():
            place = to / path if path else to
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)

    def _run(self, instruction: Instruction) -> None:
        variables = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("PIP_") or name.lower().endswith("_proxy")
        }
        done = self.stage.run(
            *("/bin/sh", "-c", instruction.rest),
            variables=variables,
            mounted=_machine_files(variables),
        )
        assert done.returncode == 0, (
            f"{instruction.rest}\n{done.stdout[-2_000:]}{done.stderr[-3_000:]}"
        )

    def _env(self, instruction: Instruction) -> None:
        before = dict(self.stage.variables)
        for name, value in instruction.assignments.items():
            self.stage.variables[name] = string.Template(value).substitute(before)

    def _user(self, instruction: Instruction) -> None:
        [self.stage.user] = instruction.words

    def _workdir(self, instruction: Instruction) -> None:
        [self.stage.workdir] = instruction.words
        self._inside(self.stage.workdir).mkdir(parents=True, exist_ok=True)

    def _entrypoint(self, instruction: Instruction) -> None:
        self.stage.entrypoint = instruction.listed

    def _inside(self, path: str) -> Path:
        return self.stage.root / Path(self.stage.workdir, path).relative_to("/")


def _base(root: Path, image: str) -> Path:
    """Make the base image: its Debian, and this machine's CPython of the same minor version."""
    match = _BASE.fullmatch(image)
    if match is None:
        raise UnknownInstructionError(image)
    python = _python(match["minor"])
    bootstrap(f"--include={_LIBRARIES}", match["debian"], str(root))
    left_out = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a")
    for name in ("bin", "lib", "include"):
        shutil.copytree(
            python / name,
            root / "usr/local" / name,
            ignore=left_out,
            symlinks=True,
            dirs_exist_ok=True,
        )
    base = Stage(root)
    works = base.run("sh", "-c", "ldconfig && python -c 'import ssl, sqlite3, ctypes, lzma'")
    if works.returncode != 0:
        pytest.skip(f"CPython of {python} does not run on {match['debian']}: {works.stderr}")
    return root


def _python(minor: str) -> Path:
    pyenv = sorted((Path.home() / ".pyenv/versions").glob(f"{minor}.*/bin/python{minor}"))
    interpreter = str(pyenv[-1]) if pyenv else program(f"python{minor}")
    asked = subprocess.run(
        [interpreter, "-c", "import sys; print(sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    prefix = Path(asked.stdout.strip())
    if prefix == Path("/usr"):
        pytest.skip("the base image has a CPython of its own, not Debian's: pyenv has none here")
    return prefix


def _machine_files(variables: dict[str, str]) -> list[Path]:
    """Return the resolver's and pip's files: configuration, certificates, packages."""
    home = Path.home()
    named = [Path(word) for value in variables.values() for word in value.split()]
    usual = [Path("/etc/resolv.conf"), Path("/etc/hosts"), Path("/etc/pip.conf")]
    usual += [home / ".config/pip/pip.conf", home / ".pip/pip.conf"]
    return [
        path for path in dict.fromkeys([*usual, *named]) if path.is_absolute() and path.exists()
    ]


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a folder's content with owners, modes and devices."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--archive", f"{source}/.", str(target)], check=True)  # noqa: S607
