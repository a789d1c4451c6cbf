"""What the documents say can be done, can be."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from housing_cli.main import app
from local_stack.settings import CHECKOUT, StackSettings

PAGES = sorted(
    path
    for path in CHECKOUT.rglob("*.md")
    if not {".venvs", ".local", "node_modules"} & set(path.relative_to(CHECKOUT).parts)
)
README = (CHECKOUT / "README.md").read_text()


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|^|&& )make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))

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
    told = set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))

    assert targets() - told == {"is-installed", "python-is-new-enough"}
