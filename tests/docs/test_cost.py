"""docs/cost.md is what the script makes of the code, the config and the template as they are."""

import importlib.util
from types import ModuleType

import pytest

from local_stack.settings import CHECKOUT


@pytest.fixture(scope="module")
def write_cost() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_cost", CHECKOUT / "docs/write_cost.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_kept_page_is_what_the_script_writes(write_cost: ModuleType) -> None:
    kept = (CHECKOUT / "docs/cost.md").read_text()

    assert kept == write_cost.page(), "make cost writes it anew"
