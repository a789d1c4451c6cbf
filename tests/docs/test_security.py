"""``docs/security.md`` names files and proofs that are there; lists of packages are as it says."""

import ast
import re
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT

PAGE = (CHECKOUT / "docs/security.md").read_text()
PROOFS = re.findall(r"`([\w/]+\.py): (\w+)`", PAGE)
PINNED = sorted(
    path
    for folder in ("requirements", "functions", "layers")
    for path in (CHECKOUT / folder).rglob("*.txt")
)


def test_every_named_test_exists() -> None:
    assert len(PROOFS) >= 60
    missing = [
        f"{file}: {name}"
        for file, name in PROOFS
        if f"test_{name}" not in _functions(CHECKOUT / "tests" / file)
    ]

    assert missing == []


def test_every_named_file_exists() -> None:
    named = set(re.findall(r"`((?:\.?[\w-]+/)+[\w.-]+\.[a-z]+|\.?[\w/-]+/)`", PAGE))

    assert len(named) >= 25
    folders = {"new_data/", "dataset/", "ledger/", "predictions/"}  # of the bucket
    assert {name for name in named - folders if not (CHECKOUT / name).exists()} == set()


def test_every_threat_has_an_entry_for_the_operator() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    threats = [row for row in rows if row.count(" | ") == 3]

    assert len(threats) >= 30
    assert [row for row in threats if not row.rstrip(" |").rpartition(" | ")[2].strip()] == []


@pytest.mark.parametrize("path", PINNED, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_package_is_pinned_with_a_hash_and_no_host(path: Path) -> None:
    text = path.read_text()
    packages = re.findall(r"^([\w.-]+)(\S*)", text, re.MULTILINE)

    assert packages
    assert [name for name, pin in packages if not re.match(r"(\[[\w,-]+\])?==", pin)] == []
    assert text.count("--hash=sha256:") >= len(packages)
    assert not re.search(r"https?://|--index|--find-links|--trusted-host", _without_comments(text))


def _functions(file: Path) -> set[str]:
    if not file.exists():
        return set()
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _without_comments(text: str) -> str:
    return re.sub(r"#.*", "", text)
