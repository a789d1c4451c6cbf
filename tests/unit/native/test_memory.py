"""The library's memory, and its answers on arm64: without ONNX Runtime, on cases that it answered.

Among them are broken ensembles: any number of the attributes may be any number. They are refused or
answered, but nothing beside their memory is read.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from fakes.operator_cases import Case, Expected, write_cases
from fakes.tree_ensembles import Attributes, Shape, drawn, model_of, rows_for
from housing_ops.checkout import CHECKOUT

SOURCES = CHECKOUT / "native/trees"
ZIG = CHECKOUT / ".venvs/native/bin/python"
LOADERS = {"ld-linux-x86-64", "ld-linux-aarch64"}
ARM64_LIBC = Path("/usr/aarch64-linux-gnu")
Open = Callable[[bytes, Path | None], onnxruntime.InferenceSession]
REGRESSOR = "TreeEnsembleRegressor"
SHAPES = (
    Shape(trees=6, leaves=64, columns=7),
    Shape(trees=3, leaves=256, columns=4, cuts=100, lopsided=True),
    Shape(trees=3, leaves=300, columns=4),
    Shape(trees=9, leaves=40, columns=2, cuts=300),
    Shape(trees=5, leaves=1, columns=1),
    Shape(trees=40, leaves=3, columns=9, missing=False, base=False),
)
NUMBERS = (0, 1, 2, -1, 7, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, -(2**31), 2**62, -(2**63))
COUNTS = (0, 1, 2, 3, 33, 130)


def answered(open_model: Open) -> Iterator[Case]:
    """Yield ensembles with rows, and ONNX Runtime's answers."""
    random = np.random.default_rng(4)
    for shape in SHAPES:
        attributes = drawn(random, shape)
        session = open_model(model_of(attributes), None)
        for count in COUNTS:
            rows = rows_for(random, attributes, count, shape.columns, odd=0.02)
            yield Case(REGRESSOR, attributes, [rows], session.run(None, {"x": rows}))
        narrow = np.ones((3, 0), np.float32)
        has_nodes = "BRANCH_LEQ" in attributes["nodes_modes"]
        yield Case(REGRESSOR, attributes, [narrow], expected=Expected(2 - 2 * has_nodes))


def ordered() -> Iterator[Case]:
    """Yield rows of which the first are wanted, with what sorting says."""
    random = np.random.default_rng(6)
    for size in (1, 8, 31, 160, 256, 257, 600):
        for largest in (0, 1):
            for count in {0, 1, size // 3, size}:
                rows = random.integers(-20, 20, (3, size)).astype(np.float32)
                order = np.argsort(-rows if largest else rows, axis=1, kind="stable")[:, :count]
                first = np.take_along_axis(rows, order, axis=1)
                given = [rows, np.array([count])]
                attributes = {"axis": 1, "largest": largest}
                yield Case("TopK", attributes, given, [first, order.astype(np.int64)])
    for shape, wanted in (((3, 4), 5), ((3, 4), -1), ((3, 4), 2**62), ((), 1), ((1,) * 9, 1)):
        rows = np.zeros(shape, np.float32)
        yield Case("TopK", {}, [rows, np.array([wanted])], expected=Expected.REFUSED)
    odd = np.full((2, 300), np.nan, np.float32)
    for rows in (odd, odd[:, :9]):
        yield Case("TopK", {}, [rows, np.array([3])], expected=Expected.REFUSED)


def broken() -> Iterator[Case]:
    """Yield ensembles that were changed somewhere."""
    random = np.random.default_rng(5)
    small = Shape(trees=3, leaves=9, columns=3)
    for _ in range(1_500):
        attributes = drawn(random, small)
        rows = rows_for(random, attributes, 5, 3, odd=0.1)
        for _ in range(random.integers(1, 3)):
            attributes = _changed(attributes, random)
        yield Case(REGRESSOR, attributes, [rows], expected=Expected.EITHER)


def _changed(attributes: Attributes, random: np.random.Generator) -> Attributes:
    name = str(random.choice([name for name in attributes if name != "n_targets"]))
    values: list[Any] = list(attributes[name])
    place = int(random.integers(len(values))) if values else 0
    kind = int(random.integers(6))
    if kind == 0:
        return {key: value for key, value in attributes.items() if key != name}
    if kind == 1 or not values:
        values = [*values, *values[:1]]
    elif kind == 2:
        values = values[:place]
    elif isinstance(values[place], str):
        values[place] = str(random.choice(["LEAF", "BRANCH_LEQ", "BRANCH_LT", "", "X" * 50]))
    elif isinstance(values[place], float):
        values[place] = float(random.choice(np.array([np.nan, np.inf, -np.inf, 0, 1e38])))
    elif kind == 3:
        values[place] = int(random.choice(np.array(NUMBERS, np.int64)))
    else:
        values[place] += int(random.choice([-1, 1]))
    return attributes | {name: values}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, open_model: Open) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases"
    write_cases(path, [*answered(open_model), *ordered(), *broken()])
    return path


@pytest.fixture(scope="module")
def few_cases(tmp_path_factory: pytest.TempPathFactory, open_model: Open) -> Path:
    """Return cases for what takes fifty times as long."""
    path = tmp_path_factory.mktemp("cases") / "few"
    write_cases(
        path, [*list(answered(open_model))[::2], *list(ordered())[::2], *list(broken())[::10]]
    )
    return path


def program(name: str, reason: str) -> str:
    """Return a program's path, or skip the test."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(reason)
    return path


def compiled(compiler: list[str], to: Path, *options: str) -> Path:
    """Compile the library and the program that runs it on cases."""
    sources = [str(path) for path in (*SOURCES.glob("*.c"), *SOURCES.glob("checks/*.c"))]
    done = run(*compiler, "-std=gnu11", *options, "-o", to, *sources, "-lpthread")
    assert done.returncode == 0, done.stderr
    return to


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=110, check=False
    )


def test_no_case_reads_or_writes_beside_its_memory(cases: Path, tmp_path: Path) -> None:
    gcc = program("gcc", "AddressSanitizer comes with gcc, which is not here")
    checked = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    runner = compiled([gcc], tmp_path / "run_cases", *checked)

    done = run(runner, cases, "4")

    assert done.returncode == 0, done.stderr[-3_000:]
    assert "4 at once" in done.stdout


def test_threads_share_nothing_that_they_write(cases: Path, tmp_path: Path) -> None:
    gcc = program("gcc", "ThreadSanitizer comes with gcc, which is not here")
    runner = compiled([gcc], tmp_path / "run_cases", "-O1", "-g", "-fsanitize=thread")

    done = run("setarch", "-R", runner, cases, "4")  # it wants its addresses where they always are

    assert done.returncode == 0, done.stderr[-3_000:]


def test_valgrind_has_nothing_to_say(few_cases: Path, tmp_path: Path) -> None:
    gcc = program("gcc", "gcc is not here")
    valgrind = program("valgrind", "valgrind is not here (Debian: valgrind)")
    runner = compiled([gcc], tmp_path / "run_cases", "-O2", "-g")

    options = (
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
    )
    done = run(valgrind, "--quiet", *options, runner, few_cases, "2")

    assert done.returncode == 0, done.stderr[-3_000:]
    assert done.stderr == ""


def test_arm64_answers_bit_for_bit_as_this_processor(cases: Path, tmp_path: Path) -> None:
    emulator = program("qemu-aarch64", "qemu-aarch64 is not here (Debian: qemu-user)")
    if not ARM64_LIBC.exists():
        pytest.skip("arm64's libc is not here (Debian: libc6-arm64-cross)")
    if not ZIG.exists():
        pytest.skip("zig is not here: make trees")
    target = ("-target", "aarch64-linux-gnu.2.17", "-O3", "-ffp-contract=off")
    runner = compiled([str(ZIG), "-m", "ziglang", "cc"], tmp_path / "run_cases", *target)

    done = run(emulator, "-L", ARM64_LIBC, runner, cases, "4")

    assert done.returncode == 0, done.stderr[-3_000:]
    assert "4 at once" in done.stdout


@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX2 is x86-64's")
def test_a_processor_without_avx2_is_left_alone(cases: Path, tmp_path: Path) -> None:
    emulator = program("qemu-x86_64", "qemu-x86_64 is not here (Debian: qemu-user)")
    gcc = program("gcc", "gcc is not here")
    runner = compiled([gcc], tmp_path / "run_cases", "-O2")

    done = run(emulator, "-cpu", "Nehalem", runner, cases)

    assert done.returncode == 3, done.stderr[-3_000:]
    assert "nothing is registered" in done.stdout


def test_every_file_is_compiled_without_a_header_of_others() -> None:
    headers = {
        line.split()[1]
        for path in (*SOURCES.glob("*.[ch]"), *SOURCES.glob("checks/*.c"))
        for line in path.read_text().splitlines()
        if line.startswith("#include <")
    }

    ours_and_cs = {"math", "pthread", "stdatomic", "stddef", "stdint", "stdio", "stdlib", "string"}
    assert headers <= {f"<{name}.h>" for name in (*ours_and_cs, "cpuid", "immintrin")}


@pytest.mark.skipif(sys.platform != "linux", reason="built for Linux")
def test_the_library_is_small_and_needs_libc_alone(library: Path) -> None:
    needed = run(program("readelf", "readelf is not here (Debian: binutils)"), "-d", library).stdout

    libraries = [line.split("[")[1] for line in needed.splitlines() if "(NEEDED)" in line]
    assert {name.rstrip("]").split(".")[0] for name in libraries} <= {"libc"} | LOADERS
    assert library.stat().st_size <= 100_000
