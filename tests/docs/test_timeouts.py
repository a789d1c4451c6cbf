"""``docs/configuration.md`` has the time-outs and attempts of every client of AWS and MLflow."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from housing.registry.mlflow import MlflowModelRegistry
from housing.s3 import bodies, documents
from housing_ops.checkout import CHECKOUT
from predict import aws_composition
from retrain.training import __main__ as program
from retrain.training.job import program as job

FOLDERS = ("functions", "layers/shared", "cli")
PAGE = (CHECKOUT / "docs/configuration.md").read_text().partition("## Time-outs and attempts")[2]
CLIENTS = ("client", "SecretsProvider", "SSMProvider")
GIVEN_BY = ("config", "boto_config")
AWS, MLFLOW = 7, 5
"""Columns of the two tables."""


def rows(columns: int) -> list[list[str]]:
    cells = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    return [row for row in cells if len(row) == columns][1:]


def calls(name: str | tuple[str, ...]) -> Iterator[tuple[Path, ast.Module, ast.Call]]:
    """Yield the calls of a function or method of this name in the product."""
    names = (name,) if isinstance(name, str) else name
    for folder in FOLDERS:
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and named(node.func) in names:
                    yield path, tree, node


def named(function: ast.expr) -> str:
    if isinstance(function, ast.IfExp):  # one of two classes
        return named(function.body)
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in call.keywords if one.arg}


def literal(tree: ast.Module, value: ast.expr) -> object:
    """Return a value as it is written, of a constant, or the default of a parameter."""
    if not isinstance(value, ast.Name):
        return ast.literal_eval(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and [named(one) for one in node.targets] == [value.id]:
            return ast.literal_eval(node.value)
        if isinstance(node, ast.FunctionDef):
            defaults = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            for argument, default in defaults:
                if argument.arg == value.id and default:
                    return ast.literal_eval(default)
    raise AssertionError(value.id)


def bounds_in_code() -> Iterator[tuple[str, str, str, str]]:
    """Yield file, time-outs and attempts of each configuration; each has to set the mode.

    A configuration that is merged into another one inherits its bounds.
    """
    for path, tree, call in calls("Config"):
        given = keywords(call)
        if is_merged(tree, call) and not given.keys() & {
            "connect_timeout",
            "read_timeout",
            "retries",
        }:
            continue
        retries = given["retries"]
        assert isinstance(retries, ast.Dict), path
        named_retries = {
            str(literal(tree, key)): literal(tree, value)
            for key, value in zip(retries.keys, retries.values, strict=True)
            if key
        }
        assert named_retries["mode"] == "standard", path
        bounds = (literal(tree, given[name]) for name in ("connect_timeout", "read_timeout"))
        connect, read = (f"{bound:g}" for bound in bounds)
        attempts = str(named_retries["total_max_attempts"])
        yield str(path.relative_to(CHECKOUT)), connect, read, attempts


def is_merged(tree: ast.Module, call: ast.Call) -> bool:
    """Return whether a call is the argument of a ``merge``."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "merge"
        and call in node.args
        for node in ast.walk(tree)
    )


def test_every_configuration_is_in_the_table_as_it_is_in_the_code() -> None:
    listed = [(row[6].strip("`"), *row[2:5]) for row in rows(AWS)]

    assert len(listed) >= 10
    assert Counter(listed) == Counter(bounds_in_code())


def test_no_client_is_made_without_one() -> None:
    bare_clients = [
        (path, call)
        for path, _, call in calls(CLIENTS)
        if named(call.func) != "client" or isinstance(call.func, ast.Attribute)
    ]

    assert len(bare_clients) >= 12
    without = [path for path, call in bare_clients if not keywords(call).keys() & set(GIVEN_BY)]
    assert without == []


def test_every_row_describes_the_effect_for_a_caller() -> None:
    for row, column in [(row, 5) for row in rows(AWS)] + [(row, 4) for row in rows(MLFLOW)]:
        assert len(row[column].split()) >= 4, row


def test_time_outs_and_attempts_of_mlflow_are_as_the_page_says() -> None:
    defaults = inspect.signature(MlflowModelRegistry).parameters
    by_default = (defaults["timeout_seconds"].default, defaults["tries"].default)
    of_client = program._ENVIRONMENT

    rows_of_page = [(float(row[2]), int(row[3])) for row in rows(MLFLOW)]
    assert rows_of_page == [
        by_default,
        (aws_composition._REGISTRY_SECONDS, aws_composition._REGISTRY_TRIES),
        (job._REGISTRY_SECONDS, job._REGISTRY_TRIES),
        (
            float(of_client["MLFLOW_HTTP_REQUEST_TIMEOUT"]),
            1 + int(of_client["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]),
        ),
        by_default,
    ]


def test_pauses_and_attempts_of_the_bucket_are_as_the_page_says() -> None:
    tries = re.search(r"attempted up to (\d) times within (\d) s, reads up to (\d)", PAGE)

    assert tries
    assert [int(one) for one in tries.groups()] == [
        documents._TRIES,
        documents._TRY_WITHIN_SECONDS,
        bodies._TRIES,
    ]
