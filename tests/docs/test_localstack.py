"""``docs/localstack.md`` names what is skipped where, as the tests themselves have it."""

import ast
import re
from collections.abc import Mapping

import pytest

from integration.lacking import ANOTHERS, LOCALSTACK
from local_stack.settings import CHECKOUT

PAGE = (CHECKOUT / "docs/localstack.md").read_text()
TABLES = {"On LocalStack:": LOCALSTACK, "On any endpoint that others run:": ANOTHERS}


def rows(heading: str) -> dict[str, str]:
    found = re.search(rf"^{heading}\n\n((?:\|.*\n)*)", PAGE, re.MULTILINE)
    assert found, f"docs/localstack.md has no table '{heading}'"
    return dict(re.findall(r"^\| `(.+)` \| (.+) \|$", found[1], re.MULTILINE))


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_lists_exactly_what_is_skipped(heading: str) -> None:
    assert rows(heading) == TABLES[heading]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_only_tests_that_there_are_can_be_skipped(table: Mapping[str, str]) -> None:
    for name in table:
        file, _, test = name.partition("::")
        assert (CHECKOUT / "tests/integration" / file).exists()
        tree = ast.parse((CHECKOUT / "tests/integration" / file).read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert not test or test.partition("[")[0] in functions
