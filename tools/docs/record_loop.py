"""Run the loop in a pseudo-terminal and print the record that ``loop.json`` keeps.

``python tools/docs/record_loop.py FIRST.csv MORE.csv > tools/docs/loop.json``, with free ports
(``HOUSING_AWS_PORT`` and the rest) and the environments installed. ``make clean`` ends the stack.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 112, 60
REPOSITORY = Path(__file__).resolve().parents[2]
UPLOAD = REPOSITORY / "more.csv"
LOAD = "set -a; . .local/env; set +a"
PREDICT = r"""curl -s $HOUSING_API_URL/predict -H "x-api-key: $HOUSING_API_KEY" \
    -H "content-type: application/json" -d '{"MedInc": 8.3252, "HouseAge": 41,
    "AveRooms": 6.98, "AveBedrms": 1.02, "Population": 322, "AveOccup": 2.56,
    "Latitude": 37.88, "Longitude": -122.23}'"""
COMMANDS = (
    "make run",
    LOAD,
    PREDICT,
    "housing upload more.csv --wait",
    "housing models",
    PREDICT,
    'housing rollback --reason "prices are odd"',
    "housing models --history",
)
REALLY = {"make run": ".venvs/local/bin/python -m local_stack up"}  # it would build environments
_SECONDS = 600
_PIECE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]")
_KEY = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")  # 32 bytes in URL-safe Base64


@dataclass(slots=True)
class Screen:
    """What stands on a terminal that was written to as Rich writes: its lines, and the cursor."""

    width: int = WIDTH
    lines: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: str = ""

    def write(self, output: str) -> None:
        """Take what a program wrote."""
        for piece in _PIECE.findall(output):
            if piece == "\n":
                self._go(self.row + 1, 0)
            elif piece == "\r":
                self.column = 0
            elif piece[0] == "\x1b":
                self._obey(piece)
            else:
                self._put(piece)

    def _obey(self, sequence: str) -> None:
        """Colours, cursor up, erase line; others change nothing that stays."""
        what, given = sequence[-1], sequence[2:-1]
        if what == "m":
            self.style = "" if given in ("", "0") else self.style + sequence
        elif what == "A":
            self._go(max(0, self.row - int(given or 1)), self.column)
        elif sequence == "\x1b[2K":
            self.lines[self.row] = []

    def _put(self, character: str) -> None:
        if self.column == self.width:
            self._go(self.row + 1, 0)
        line = self.lines[self.row]
        line += [("", " ")] * (self.column + 1 - len(line))
        line[self.column] = (self.style, character)
        self.column += 1

    def _go(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.lines += [[] for _ in range(row + 1 - len(self.lines))]

    def text(self) -> list[str]:
        """Return the lines with their colours, without the empty ones at the end."""
        lines = [_line(line) for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def _line(cells: list[tuple[str, str]]) -> str:
    text, last = "", ""
    for style, character in cells:
        if style != last:
            text += ("\x1b[0m" if last else "") + style
        text, last = text + character, style
    return (text + ("\x1b[0m" if last else "")).rstrip()


def seen(output: str) -> list[str]:
    """Return the lines that a person sees in the end; keys are not shown."""
    screen = Screen()
    screen.write(_KEY.sub("…", output))
    return screen.text()


def _run(command: str, environment: dict[str, str]) -> str:
    """Run a command in a terminal and return all that it wrote there."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    bounded = ("timeout", str(_SECONDS), "sh", "-c", command)
    started = subprocess.Popen(  # noqa: S603 - the commands above
        bounded, cwd=REPOSITORY, env=environment, stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    output = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    if started.wait() != 0:
        sys.exit(f"{command} failed:\n{output.decode()}")
    return output.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux's error for a terminal that no process has open any more
        return b""


def _recorded(first: Path) -> list[dict[str, Any]]:
    environment = {**os.environ, "HOUSING_DATA": str(first.resolve()), "TERM": "xterm-256color"}
    environment["PATH"] = f"{REPOSITORY}/.local/bin:{environment['PATH']}"
    steps: list[dict[str, Any]] = []
    for command in COMMANDS:
        really = REALLY.get(command) or f"{LOAD}; {command}"
        began = time.monotonic()
        lines = seen(_run(really, environment))
        seconds = round(time.monotonic() - began, 1)
        print(f"{seconds:6.1f} s  {command}", file=sys.stderr)
        steps.append({"command": command, "seconds": seconds, "lines": lines})
    return steps


def main() -> None:
    """Record the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path, help="CSV of the first model")
    parser.add_argument("more", type=Path, help="CSV that is uploaded then")
    given = parser.parse_args()
    shutil.copyfile(given.more, UPLOAD)
    try:
        steps = _recorded(given.first)
    finally:
        UPLOAD.unlink()
    record = {"day": f"{datetime.now(UTC):%Y-%m-%d}", "width": WIDTH, "steps": steps}
    print(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
