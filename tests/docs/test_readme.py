"""What the documents say can be done, can be."""

import json
import re
from pathlib import Path

import pytest
from typer.main import get_command

from housing_cli.main import app
from housing_ops.checkout import CHECKOUT
from local_stack.settings import StackSettings

PAGES = sorted(
    path
    for path in CHECKOUT.rglob("*.md")
    if not {".venvs", ".local", "node_modules"} & set(path.relative_to(CHECKOUT).parts)
)
README = (CHECKOUT / "README.md").read_text()


def targets() -> set[str]:
    return set(
        re.findall(r"^([a-z][a-z0-9-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|^|&& )make ([a-z][a-z0-9-]*)", page.read_text(), re.MULTILINE))

    assert named <= targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_housing_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"^housing ([a-z]+)", README, re.MULTILINE))
    known = set(getattr(get_command(app), "commands", {}))

    assert named
    assert named <= known


def test_the_folders_of_the_readme_are_there() -> None:
    folders = re.findall(r"^\| `([a-z/]+/)` \|", README, re.MULTILINE)

    assert len(folders) >= 8
    assert [folder for folder in folders if not (CHECKOUT / folder).is_dir()] == []


def test_the_ports_in_the_readme_are_the_defaults() -> None:
    named = dict(re.findall(r"`(HOUSING_\w+_PORT)`\s+\((\d+)\)", README))

    assert named == {
        f"HOUSING_{name.upper()}": str(field.default)
        for name, field in StackSettings.model_fields.items()
        if name.endswith("_port")
    }


def test_make_help_lists_every_public_target() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", makefile, re.MULTILINE))

    assert targets() - described == {"is-installed", "python-is-new-enough"}


def test_the_readme_is_a_few_screens_long() -> None:
    assert len(README.splitlines()) <= 200
    titles = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert titles[:4] == ["Run it", "Use it", "Deploy it", "Operate it"]
    assert "What is not there yet" in titles


def test_the_speed_in_the_readme_was_measured() -> None:
    measured = json.loads((CHECKOUT / "benchmarks/results/serve.json").read_text())
    servers = measured["servers"]
    ours = servers.pop("this service")
    own = ("this service", "floor")
    peers = {name: summary for name, summary in servers.items() if not name.startswith(own)}
    fastest = {
        rows: min(peers, key=lambda name, rows=rows: peers[name]["p50_ms"][rows])  # type: ignore[misc]
        for rows in ("1", "100", "1000")
    }
    times = {
        rows: peers[name]["p50_ms"][rows] / ours["p50_ms"][rows] for rows, name in fastest.items()
    }
    said = " ".join(README.split())

    assert measured["date"] in README
    assert f"of seven others, {fastest['1']}, and takes over twice its requests a second" in said
    assert len(peers) == 7
    assert times["1"] > 2
    assert ours["requests_per_second"] > 2 * peers[fastest["1"]]["requests_per_second"]
    assert f"for 100 rows {times['100']:.1f} times" in said
    assert f"for 1,000 rows {times['1000']:.1f} times as fast as the fastest, MLServer" in said
    assert fastest["100"] == fastest["1000"] == "MLServer"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", page.read_text()):
        linked_page = page.parent / target if target else page
        headings = re.findall(r"^#+ (.+)$", linked_page.read_text(), re.MULTILINE)

        assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
