"""``docs/localstack.md`` and the README name what is skipped where, as the tests have it."""

import ast
import re
from collections import Counter
from collections.abc import Mapping

import pytest

from housing_ops.checkout import CHECKOUT
from integration.lacking import ANOTHERS, LOCALSTACK, MINISTACK

PAGE = (CHECKOUT / "docs/localstack.md").read_text()
ROW_OF_README = r"^\| (.+) \| `(test_\w+\.py)`, (\d+) \|$"
TABLES = {
    "On LocalStack:": LOCALSTACK,
    "On MiniStack:": MINISTACK,
    "On any endpoint that the tests did not start:": ANOTHERS,
}


def rows(heading: str) -> dict[str, str]:
    table = re.search(rf"^{heading}\n\n((?:\|.*\n)*)", PAGE, re.MULTILINE)
    assert table, f"docs/localstack.md has no table '{heading}'"
    return dict(re.findall(r"^\| `(.+)` \| (.+) \|$", table[1], re.MULTILINE))


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_lists_exactly_what_is_skipped(heading: str) -> None:
    assert rows(heading) == TABLES[heading]


def test_the_readme_counts_them_by_reason() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    listed_rows = re.findall(ROW_OF_README, readme, re.MULTILINE)
    counts = Counter({(reason, file): int(count) for reason, file, count in listed_rows})

    files = ((reason, name.partition("::")[0]) for name, reason in LOCALSTACK.items())
    assert counts == Counter(files)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_only_tests_that_there_are_can_be_skipped(table: Mapping[str, str]) -> None:
    for name in table:
        file, _, test = name.partition("::")
        assert (CHECKOUT / "tests/integration" / file).exists()
        tree = ast.parse((CHECKOUT / "tests/integration" / file).read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert not test or test.partition("[")[0] in functions
