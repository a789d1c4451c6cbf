"""A Dockerfile's instructions and its build context, as far as the training image's go."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*?)\s*")
_KNOWN = {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT"}
_OPTIONS = {"COPY": {"", "--from"}}


class UnknownInstructionError(Exception):
    """Raised when a Dockerfile asks for what is not replayed."""


@dataclass(frozen=True)
class Instruction:
    """An instruction: its name in capitals and the rest of its lines, joined."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Return the words after the name."""
        return shlex.split(self.rest)

    @property
    def assignments(self) -> dict[str, str]:
        """Return the variables of ENV, not expanded."""
        if not all("=" in word for word in self.words):
            raise UnknownInstructionError(self.name, self.rest)
        return dict(word.split("=", 1) for word in self.words)

    @property
    def listed(self) -> list[str]:
        """Return the words of an instruction that is a JSON list."""
        if not self.rest.startswith("["):
            raise UnknownInstructionError(self.name, self.rest)
        return [str(word) for word in json.loads(self.rest)]


def instructions(text: str) -> list[Instruction]:
    """Read a Dockerfile.

    Raises:
        UnknownInstructionError: An instruction, or an option of one, is not among those replayed.
    """
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    read = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        match = _INSTRUCTION.fullmatch(line)
        name, rest = (match[1].upper(), match[2]) if match else ("", line)
        option = rest.split("=")[0] if rest.startswith("--") else ""
        if name not in _KNOWN or "<<" in rest or option not in _OPTIONS.get(name, {""}):
            raise UnknownInstructionError(line)
        read.append(Instruction(name, rest))
    return read


class Context:
    """A build context: a folder without what ``.dockerignore`` excludes.

    The rules: https://docs.docker.com/build/concepts/context/#dockerignore-files
    """

    def __init__(self, folder: Path, ignore: str) -> None:
        self._folder = folder
        lines = [line.strip() for line in ignore.splitlines()]
        self._rules = [
            (not line.startswith("!"), _pattern(line.removeprefix("!").strip("/")))
            for line in lines
            if line and not line.startswith("#")
        ]

    def has(self, path: str) -> bool:
        """Tell whether a file is in the context: the last rule that fits it or a parent decides."""
        parts = path.split("/")
        paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        excluded = False
        for excludes, pattern in self._rules:
            if any(pattern.fullmatch(each) for each in paths):
                excluded = excludes
        return not excluded

    def files(self, source: str) -> dict[str, Path]:
        """Return the files of a source by their paths below it; "" is the source itself.

        Raises:
            FileNotFoundError: The context has none.
        """
        start = self._folder / source
        candidates = sorted(start.rglob("*")) if start.is_dir() else [start]
        files = {
            "" if file == start else str(file.relative_to(start)): file
            for file in candidates
            if file.is_file() and self.has(str(file.relative_to(self._folder)))
        }
        if not files:
            raise FileNotFoundError(source)
        return files


def _pattern(glob: str) -> re.Pattern[str]:
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    split = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(pieces.get(piece, re.escape(piece)) for piece in split))
