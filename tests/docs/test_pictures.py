"""The pictures are what their programs make, and the loop is one that ran."""

import importlib.util
import json
import re
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from typer.main import get_command

from housing_cli.main import app
from housing_ops.checkout import CHECKOUT

DOCS = CHECKOUT / "docs"
RECORD = json.loads((DOCS / "loop.json").read_text())
_SGR = re.compile(r"\x1b\[[\d;]*m")


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def draw_loop() -> ModuleType:
    return program("draw_loop")


def seen(command: str) -> list[str]:
    return [
        _SGR.sub("", line)
        for step in RECORD["steps"]
        if step["command"].startswith(command)
        for line in step["lines"]
    ]


def test_the_kept_pictures_are_what_the_programs_print(draw_loop: ModuleType) -> None:
    kept = {name: (DOCS / f"{name}.svg").read_text() for name in ("architecture", "loop")}

    again = "python docs/draw_{architecture,loop}.py > docs/….svg"
    assert kept["architecture"] == program("draw_architecture").picture() + "\n", again
    assert kept["loop"] == draw_loop.picture(RECORD) + "\n", again


@pytest.mark.parametrize("name", ["architecture", "loop"])
def test_a_picture_is_svg_that_fetches_nothing(name: str) -> None:
    text = (DOCS / f"{name}.svg").read_text()

    assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314 - our own file
    assert "http" not in re.sub(r"xmlns=\"[^\"]+\"|>[^<]*<", "", text)
    assert "<script" not in text


def test_the_picture_of_the_architecture_knows_light_and_dark() -> None:
    text = (DOCS / "architecture.svg").read_text()

    assert "@media (prefers-color-scheme: dark)" in text
    assert 'class="paper"' in text


def test_nothing_of_the_architecture_leaves_its_picture() -> None:
    drawing = program("draw_architecture")

    for box in drawing.BOXES:
        assert 0 <= box.x <= box.x + box.width <= drawing.WIDTH
        assert 0 <= box.y <= box.y + box.height <= drawing.HEIGHT
        longest = max(len(line) for line in box.lines)
        assert longest * 6.7 < box.width  # wide letters of 12 px


def test_the_recorded_commands_are_there() -> None:
    commands = [step["command"] for step in RECORD["steps"]]
    known = set(getattr(get_command(app), "commands", {}))

    assert commands[0] == "make run"
    assert {found for c in commands for found in re.findall(r"^housing (\w+)", c)} <= known


def test_the_recorded_loop_went_round() -> None:
    upload, models = "\n".join(seen("housing upload")), "\n".join(seen("housing models"))
    first, second = (json.loads(text) for text in _answers())

    assert re.search(r"state +succeeded", upload)
    assert re.search(r"promoted +yes", upload)
    assert re.search(r"● +2 +production", models)
    assert (first["model_version"], second["model_version"]) == ("1", "2")
    assert first["price_usd"] != second["price_usd"]
    assert seen("housing rollback") == ["version 1 is in production; before, it was 2"]


def test_no_key_and_no_path_of_a_machine_is_recorded() -> None:
    text = json.dumps(RECORD, ensure_ascii=False)

    assert "keys     predict …   admin …" in text
    assert not re.search(r"(?<![\w-])[\w-]{43}(?![\w-])", text)
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)


def test_a_terminal_shows_what_stands_there_in_the_end() -> None:
    screen = program("record_loop")

    assert screen.seen("one\r\ntwo\r\n\x1b[1A\x1b[2K\x1b[32mthree\x1b[0m\r\n") == [
        "one",
        "\x1b[32mthree\x1b[0m",
    ]
    assert screen.seen("⠋ fit\r\x1b[2K⠙ fit\r\x1b[2K✓ fit  2 s\r\n\r\n") == ["✓ fit  2 s"]
    assert screen.seen("x" * 113 + "\r\n") == ["x" * 112, "x"]
    assert screen.seen(f"keys {'k' * 43} {'a' * 42}-\r\n") == ["keys … …"]


def test_a_line_is_drawn_in_its_colours_and_places(draw_loop: ModuleType) -> None:
    assert draw_loop.runs_of("\x1b[1;32ma\x1b[0m b") == [("bold green", "a"), ("", " b")]
    steps = [{"command": "x", "lines": ["  1  <2>"]}, {"command": "x", "lines": []}]
    text = draw_loop.picture({"day": "2026-01-01", "width": 20, "steps": steps})

    assert '<text x="32" y="46" textLength="8" class="">1</text>' in text
    assert "&lt;2&gt;" in text
    assert "# the same house" in text


def _answers() -> list[str]:
    return [
        "".join(step["lines"]) for step in RECORD["steps"] if step["command"].startswith("curl")
    ]
