"""Install a list of packages into an environment, and say every few seconds how far it is.

``python requirements/install.py NAME LIST ENVIRONMENT [UV]``: by uv where it is there, else by pip.
Both check the hashes of the list, which is whole.
"""

import re
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

_SAY_SECONDS = 4.0
_LAST_LINES = 30
_PINNED = re.compile(r"^[\w.-]+(?:\[.*\])?==", re.MULTILINE)
_PACKAGE = re.compile(r"^(?:Collecting |\s*Downloaded | \+ )\s*([\w.-]+)")
"""pip starts with a package; uv has downloaded a large one, or installed one."""
_SIZE = re.compile(r"Downloading .*\((\d+(?:\.\d+)?) ?([kKMG])i?B\)")
_MEGABYTES = {"k": 1e-3, "K": 1e-3, "M": 1.0, "G": 1e3}


class Progress:
    """Packages and megabytes that an installer has named."""

    def __init__(self, name: str, packages: int) -> None:
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._name, self._total = name, packages
        self._packages: set[str] = set()
        self._megabytes = 0.0

    def read(self, line: str) -> None:
        """Take in a line of the installer."""
        self.lines.append(line)
        if size := _SIZE.search(line):
            self._megabytes += float(size[1]) * _MEGABYTES[size[2]]
        if package := _PACKAGE.match(line):
            self._packages.add(package[1].lower())

    def __str__(self) -> str:
        """Return how far it is."""
        count = f"{len(self._packages)} of {self._total} packages"
        return f"  … environment {self._name}: {count}, {self._megabytes:,.0f} MB"


def command(packages: Path, environment: Path, uv: str | None) -> list[str]:
    """Return the installer's command."""
    python = str(environment / "bin" / "python")
    if uv:
        installer = [uv, "pip", "install", "--python", python]
    else:
        installer = [python, "-m", "pip", "install", "--progress-bar", "off"]
    return [*installer, "--no-deps", "--require-hashes", "--requirement", str(packages)]


def install(name: str, packages: Path, environment: Path, uv: str | None) -> int:
    """Install; return the installer's exit status, after its last lines if it failed."""
    progress = Progress(name, len(_PINNED.findall(packages.read_text())))
    with subprocess.Popen(  # noqa: S603 - pip or uv, no shell
        command(packages, environment, uv),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as installer:
        is_over = threading.Event()
        teller = threading.Thread(target=_say, args=(progress, is_over), daemon=True)
        teller.start()
        for line in installer.stdout or ():
            progress.read(line.rstrip())
        is_over.set()
        teller.join()
    status = installer.returncode
    if status:
        print(*progress.lines, sep="\n", file=sys.stderr)
    return status


def _say(progress: Progress, is_over: threading.Event) -> None:
    while not is_over.wait(_SAY_SECONDS):
        print(progress, flush=True)


if __name__ == "__main__":
    _name, _packages, _environment, *_uv = sys.argv[1:]
    sys.exit(install(_name, Path(_packages), Path(_environment), _uv[0] if _uv else None))
