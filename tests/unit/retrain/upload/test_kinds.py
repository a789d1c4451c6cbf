"""A subject with categories, booleans and missing values is read, stored and compared by them."""

from pathlib import Path

from fakes.other_subject import run_tests


def test_a_subject_of_all_kinds_keeps_its_promises() -> None:
    run_tests(Path(__file__).with_name("bricks_cases.py"), "bricks")
