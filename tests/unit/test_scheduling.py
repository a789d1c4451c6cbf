"""Tests that share what takes long to start run on one worker."""

from scheduling import unit_of


def test_folders_that_share_a_stack_are_one_unit_and_other_files_one_each() -> None:
    nodes = [
        "tests/integration/test_loop.py::test_a",
        "tests/integration/test_keys.py::test_b[x::y]",
        "tests/unit/cli/test_help.py::test_c",
        "tests/unit/cli/test_help.py::TestOf::test_d",
        "tests/unit/cli/test_output.py::test_e",
    ]

    units = [unit_of(node) for node in nodes]

    assert units == [
        "tests/integration",
        "tests/integration",
        "tests/unit/cli/test_help.py",
        "tests/unit/cli/test_help.py",
        "tests/unit/cli/test_output.py",
    ]
