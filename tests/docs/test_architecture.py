"""The import rules of ``docs/architecture.md``, and that what it names is there."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT

ROOTS = {
    path.parent.name: path.parent.parent
    for root in ("functions", "layers/shared", "cli", "local")
    for path in (CHECKOUT / root).glob("*/__init__.py")
}
MAY_IMPORT = {
    "housing": {"housing", "subjects"},
    "subjects": {"subjects", "housing"},
    "predict": {"predict", "housing"},
    "retrain": {"retrain", "housing"},
    "notify": {"notify", "housing"},
    "housing_ops": {"housing_ops", "housing"},
    "housing_cli": {"housing_cli", "housing_ops", "housing", "retrain", "subjects"},
    "housing_deploy": {"housing_deploy", "housing_ops", "housing"},
    "local_stack": {
        *("local_stack", "housing_cli", "housing_ops", "housing", "retrain", "subjects"),
    },
}
ROOMS = {  # from the ground up: a room (a module, or a folder) imports no room that stands after it
    "housing": (
        *(
            "errors",
            "subject",
            "subject_check",
            "texts",
            "schema",
            "answer_text",
            "api_keys",
            "function_log",
            "onnx_session",
            "tree_library",
        ),
        *("metrics", "s3", "jobs", "registry"),
        "alerts",
    ),
    "subjects": tuple(
        one.parent.name for one in (CHECKOUT / "layers/shared/subjects").glob("*/__init__.py")
    ),
    "predict": (
        *("errors", "messages", "background", "settings", "problems", "access", "model"),
        *("telemetry", "admin", "aws_composition", "scoring", "shadow", "composition", "http"),
        "handler",
    ),
    "notify": (
        *("errors", "settings", "notices", "slack_message", "slack", "composition", "posting"),
        "handler",
    ),
    "retrain": (
        *("errors", "settings", "launcher", "launchers", "launching", "events", "sweep"),
        *("composition", "handler", "training"),
    ),
    "retrain.training": (
        *("errors", "attempts", "rules", "markdown", "log_lines", "dataset", "model", "upload"),
        *("batch", "settings", "graph", "anomaly", "gate", "tracking", "job", "__main__"),
    ),
    "housing_ops": ("checkout", "progress", "template", "key_ring", "analytics"),
    "housing_cli": (
        *(
            "errors",
            "user_file",
            "settings",
            "api",
            "data",
            "new",
            "predictions",
            "jobs",
            "explaining",
            "output",
        ),
        *("services", "promotion_view", "commands", "main", "__main__"),
    ),
    "housing_deploy": (
        *("errors", "release", "stage", "changes", "stacks", "change_set", "plan", "smoke"),
        *("rollout", "removal", "steps", "__main__"),
    ),
    "local_stack": (
        *("errors", "settings", "bridge", "services", "deploy", "first_model", "monitoring"),
        *("stack", "report", "commands", "on_localstack", "__main__"),
    ),
}
MOST_FILES_OF_A_FOLDER = 12
NOT_IN_PREDICT = {"mlflow", "pandas", "sklearn", "scipy"}
PAGE = CHECKOUT / "docs/architecture.md"


def folder_of(package: str) -> Path:
    return ROOTS[package.partition(".")[0]].joinpath(*package.split("."))


def modules(package: str) -> list[Path]:
    return sorted(folder_of(package).rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports anywhere, within functions and for types too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def first_party(module: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(module)} & ROOTS.keys()


def room(package: str, module: Path) -> str:
    return module.relative_to(folder_of(package)).parts[0].removesuffix(".py")


def test_every_package_has_a_rule() -> None:
    assert ROOTS.keys() == MAY_IMPORT.keys()


@pytest.mark.parametrize("package", ROOMS)
def test_no_room_imports_one_above_it(package: str) -> None:
    order = ("__init__", *ROOMS[package])
    upward = {
        f"{module.relative_to(CHECKOUT)} imports {name}"
        for module in modules(package)
        for name in imported(module)
        if name.startswith(f"{package}.")
        and order.index(name.removeprefix(f"{package}.").split(".")[0])
        > order.index(room(package, module))
    }

    assert {room(package, module) for module in modules(package)} == set(order)
    assert upward == set()


@pytest.mark.parametrize("package", ROOMS)
def test_no_folder_has_more_files_than_a_person_can_overlook(package: str) -> None:
    folders = Counter(path.parent for path in modules(package) if path.name != "__init__.py")

    assert {folder for folder, count in folders.items() if count > MOST_FILES_OF_A_FOLDER} == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths = {dotted(module): module for package in ROOTS for module in modules(package)}

    def module_of(name: str) -> str:
        while name and name not in paths:
            name = name.rpartition(".")[0]
        return name

    imports = {
        importer: {module_of(name) for name in imported(path)} - {"", importer}
        for importer, path in paths.items()
    }

    assert sum(map(len, imports.values())) > len(paths)
    assert list(TopologicalSorter(imports).static_order())  # a circle is a CycleError


def dotted(module: Path) -> str:
    root = next(root for root in ROOTS.values() if module.is_relative_to(root))
    parts = module.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("package", ROOTS)
def test_the_page_shows_every_file(package: str) -> None:
    tree = PAGE.read_text().partition("```text\n")[2].partition("```")[0]
    rows = [re.split(r" {2,}", line.strip()) for line in tree.splitlines()]
    shown = {row[0].rstrip("/"): set(row[-1].split()) for row in rows}
    folders: dict[str, set[str]] = {}
    for module in modules(package):
        if module.stem != "__init__":
            folder = module.parent.relative_to(ROOTS[package]).as_posix()
            folders.setdefault(folder, set()).add(module.stem)

    assert {
        name: files for name, files in shown.items() if name.split("/")[0] == package
    } == folders


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_inward(package: str) -> None:
    wrong = {
        str(module.relative_to(CHECKOUT)): outward
        for module in modules(package)
        if (outward := first_party(module) - MAY_IMPORT[package])
    }

    assert modules(package)
    assert wrong == {}


def test_no_module_imports_a_handler() -> None:
    importing = [
        str(module.relative_to(CHECKOUT))
        for package in ROOTS
        for module in modules(package)
        if any(re.match(r"(predict|retrain|notify)\.handler\b", name) for name in imported(module))
    ]

    assert importing == []


def test_retrain_outside_of_the_job_imports_nothing_of_it() -> None:
    entry = [path for path in modules("retrain") if "training" not in path.parts]

    assert len(entry) > 5
    assert [
        str(path.relative_to(CHECKOUT))
        for path in entry
        if any(name.startswith("retrain.training") for name in imported(path))
    ] == []


def test_predict_imports_no_library_of_training() -> None:
    wrong = {
        str(module.relative_to(CHECKOUT)): heavy
        for package in ("predict", "housing")
        for module in modules(package)
        if (heavy := {name.partition(".")[0] for name in imported(module)} & NOT_IN_PREDICT)
    }

    assert wrong == {}


def test_every_port_and_adapter_of_the_table_is_a_class_where_it_says() -> None:
    classes = {
        node.name: module
        for package in ROOTS
        for module in modules(package)
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    table = PAGE.read_text().partition("## Ports and adapters")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `([\w./]+\.py)` \| (.+?) \|", table, re.MULTILINE)
    adapters = {name for _, _, column in rows for name in re.findall(r"`([A-Z]\w+)`", column)}

    assert len(rows) >= 10
    assert {port: str(classes[port].relative_to(CHECKOUT)) for port, _, _ in rows} == {
        port: place for port, place, _ in rows
    }
    assert adapters - classes.keys() == set()


def test_every_port_is_in_the_table() -> None:
    """But for shapes of a library's object, which are no role that something else could play."""
    shapes = {"Readable", "Divisible", "SecretsClient", "Clock", "JobReader"}
    ports = {
        node.name
        for package in ROOTS
        for module in modules(package)
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef)
        and "Protocol" in map(ast.unparse, node.bases)
        and not node.name.startswith("_")
    }

    assert {port for port in ports - shapes if f"| `{port}` |" not in PAGE.read_text()} == set()
