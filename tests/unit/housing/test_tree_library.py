"""The library of trees is used where it answers as ONNX Runtime does, and nowhere else."""

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from fakes.onnx_models import linear_model
from fakes.tree_ensembles import Shape, drawn, model_of
from fakes.tree_libraries import compiled_library, model_with_trees
from housing.onnx_session import open_session
from housing.schema import FEATURES
from housing.tree_library import (
    LIBRARY,
    OpenedGraph,
    Trees,
    identity,
    open_graph,
    rows_answered,
)
from housing_ops.checkout import CHECKOUT
from predict.model.predictor import Predictor
from retrain.training.errors import TreeParityError
from retrain.training.graph.parity import check_trees

ROW = [one.example for one in FEATURES]
ROWS = np.array([ROW] * 3, np.float32)
CHANGES = {
    "of one row": (
        "return sum + e->base;\n}\n\nstatic void to_bytes",
        "return sum * 2;\n}\n\nstatic void to_bytes",
    ),
    "of many rows": (": sum[r] + e->base", ": sum[r] * 1.0000001f + e->base"),
    "of the last of many rows": ("float sum[BLOCK] = {0}", "float sum[BLOCK] = {[63] = 1}"),
}


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "reason", "") for record in caplog.records]


@pytest.fixture
def library() -> Path:
    if not LIBRARY.exists():
        pytest.skip("the library of trees is not built: make trees")
    return LIBRARY


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> tuple[str, str]:
    return CHANGES[str(request.param)]


def wrong(change: tuple[str, str], to: Path, *, tests_itself: bool) -> Path:
    """Compile a library of other answers."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc is not here")
    sources = CHECKOUT / "native/trees"
    return compiled_library(sources, to, gcc=gcc, change=change, tests_itself=tests_itself)


@pytest.fixture
def wrong_library(change: tuple[str, str], tmp_path: Path) -> Path:
    """Return a library of other answers that does not test itself."""
    return wrong(change, tmp_path / "trees.so", tests_itself=False)


def test_it_is_in_use_where_it_is_installed(
    library: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answered = rows_answered(library)

    predictor = Predictor(model_with_trees())
    before = answered()
    predictor.predict_one(ROW)
    predictor.predict_columns(np.array([ROW] * 40))

    assert predictor.trees == Trees.LIBRARY
    assert answered() - before == 41
    assert [getattr(record, "trees", None) for record in caplog.records] == ["library"]


@pytest.mark.usefixtures("library")
def test_its_answers_are_those_of_onnx_runtime() -> None:
    model = model_with_trees(1)
    rows = np.random.default_rng(0).uniform(0, 100, (1_000, len(FEATURES))).astype(np.float32)

    ours = open_graph(model).session.run(None, {"x": rows})

    theirs = open_session(model).run(None, {"x": rows})
    assert [one.tobytes() for one in ours] == [one.tobytes() for one in theirs]


def test_another_thread_has_a_count_of_its_own(library: Path) -> None:
    opened = open_graph(model_with_trees())
    before = rows_answered(library)()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(opened.session.run, None, {"x": ROWS}).result()

    assert rows_answered(library)() == before


def test_a_library_that_answers_otherwise_is_not_used(
    wrong_library: Path,
) -> None:
    model = model_with_trees()

    opened = open_graph(model, wrong_library)

    assert (opened.trees, opened.has_failed) == (Trees.ONNX_RUNTIME, True)
    assert "differ from ONNX Runtime's" in opened.reason
    expected = open_session(model).run(None, {"x": ROWS})
    assert [one.tobytes() for one in opened.session.run(None, {"x": ROWS})] == [
        one.tobytes() for one in expected
    ]


@pytest.mark.parametrize("change", ["of many rows"], indirect=True)
def test_a_library_that_answers_otherwise_ends_the_training_job(wrong_library: Path) -> None:
    rows = np.repeat(ROWS, 100, axis=0)

    with pytest.raises(TreeParityError, match="differ on 300 of 300 rows"):
        check_trees(model_with_trees(), rows, wrong_library)


@pytest.mark.usefixtures("library")
def test_the_training_job_compares_all_rows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    check_trees(model_with_trees(), np.repeat(ROWS, 1_000, axis=0))

    [record] = caplog.records
    assert (record.message, record.__dict__["rows"]) == ("trees_compared", 3_000)


def test_without_a_library_onnx_runtime_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    missing = tmp_path / "trees.so"

    opened = open_graph(model_with_trees(), missing)
    check_trees(model_with_trees(), ROWS, missing)

    assert (opened.trees, opened.has_failed) == (Trees.ONNX_RUNTIME, False)
    assert opened.reason == reasons(caplog)[0] == "trees.so is not installed"


@pytest.mark.parametrize("content", [b"", b"no library", None])
def test_a_file_that_is_no_such_library_is_not_used(tmp_path: Path, content: bytes | None) -> None:
    broken = tmp_path / "trees.so"
    if content is None:
        [installed] = Path(np.__file__).parent.glob("_core/_multiarray_umath*.so")
        content = installed.read_bytes()  # a library, but of something else
    broken.write_bytes(content)

    opened = open_graph(model_with_trees(), broken)

    assert (opened.trees, opened.has_failed) == (Trees.ONNX_RUNTIME, True)


def test_a_graph_that_it_does_not_take_is_answered_by_onnx_runtime(
    library: Path,
) -> None:
    attributes = drawn(np.random.default_rng(0), Shape(columns=len(FEATURES)))
    model = model_of(attributes | {"aggregate_function": "AVERAGE"}, width=len(FEATURES))

    opened = open_graph(model, library)

    assert opened.trees == Trees.ONNX_RUNTIME
    assert opened.has_failed
    assert "an aggregate other than SUM" in opened.reason
    assert opened.session.run(None, {"x": ROWS})[0].shape == (3, 1)


def test_a_graph_without_trees_is_answered_by_onnx_runtime(library: Path) -> None:
    assert open_graph(linear_model(), library).trees == Trees.ONNX_RUNTIME


def test_a_library_that_fails_is_a_warning_with_its_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    session = open_session(linear_model())

    OpenedGraph(session, Trees.ONNX_RUNTIME, "why", has_failed=True).log(logging.getLogger("a"))
    OpenedGraph(session, Trees.LIBRARY).log(logging.getLogger("a"))

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert reasons(caplog) == ["why", ""]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """Record with which library, or without, a graph is loaded."""
    loaded: list[Path | None] = []

    def recorded(model: bytes, operators: Path | None = None) -> onnxruntime.InferenceSession:
        loaded.append(operators)
        return open_session(model, operators)

    monkeypatch.setattr("housing.tree_library.open_session", recorded)
    return loaded


def test_a_graph_compared_by_the_job_is_loaded_once(
    library: Path, opened: list[Path | None]
) -> None:
    model = model_with_trees()
    proof = check_trees(model, ROWS)

    graph = open_graph(model, proof=proof)

    assert proof == identity(library) != f"unknown {onnxruntime.__version__}"
    assert (graph.trees, opened) == (Trees.LIBRARY, [library])


@pytest.mark.parametrize("proof", ["", "0123456789abcdef 1.32.0", "unknown 1.32.0"])
def test_a_graph_compared_with_another_library_is_compared_again(
    library: Path, opened: list[Path | None], proof: str
) -> None:
    assert open_graph(model_with_trees(), proof=proof).trees == Trees.LIBRARY
    assert opened == [None, library]


def test_a_library_that_fails_its_own_test_is_not_used(
    change: tuple[str, str], tmp_path: Path
) -> None:
    library = wrong(change, tmp_path / "trees.so", tests_itself=True)

    graph = open_graph(model_with_trees(), library)

    assert graph.has_failed
    assert "fail their own test" in graph.reason
