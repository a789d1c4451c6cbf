"""The functions that ``runtime_api.h`` declares are there in the installed ONNX Runtime.

Those that need no kernel are called here. The others have a kernel called them: the library reads
attributes and answers rows with them, so that a wrong place would give other trees, or a crash.
"""

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper

from fakes.tree_ensembles import Shape, drawn, model_of
from housing_ops.checkout import CHECKOUT

Open = Callable[[bytes, Path | None], onnxruntime.InferenceSession]
HEADER = (CHECKOUT / "native/trees/runtime_api.h").read_text()
VERSION = int(re.findall(r"RUNTIME_API_VERSION (\d+)", HEADER)[0])
PLACES = {int(place) for place in re.findall(r"(?:AT\(api, |->place\[)(\d+)(?:,|\])", HEADER)}
CREATE_STATUS, ERROR_CODE, ERROR_MESSAGE, RELEASE_STATUS = 0, 1, 2, 93
CREATE_DOMAIN, RELEASE_DOMAIN = 26, 101
ALLOCATOR, FREE = 78, 76
WITHOUT_KERNEL = {CREATE_STATUS, CREATE_DOMAIN, RELEASE_DOMAIN, RELEASE_STATUS, ALLOCATOR, FREE}
IN_A_SESSION = {27, 28, 51, 86, 87, 90, 91, 96, 162, 163, 236, 414, 417}


class Base(ctypes.Structure):
    """What OrtGetApiBase answers."""

    _fields_ = (
        ("api", ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint32)),
        ("version", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    )


@pytest.fixture(scope="module")
def base() -> Base:
    [installed] = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
    get = ctypes.CDLL(str(installed)).OrtGetApiBase
    get.restype = ctypes.POINTER(Base)
    api_base: Base = get().contents
    return api_base


def called(base: Base, place: int, answer: type | None, *arguments: Any) -> Any:
    """Call a function of the table; pointers are handed over as they are."""
    kinds = [ctypes.c_int if isinstance(one, int) else ctypes.c_void_p for one in arguments]
    return ctypes.CFUNCTYPE(answer, *kinds)(base.api(VERSION)[place])(*arguments)


def test_the_installed_version_has_the_table_that_is_declared(base: Base) -> None:
    assert base.version().decode() == onnxruntime.__version__
    assert base.api(VERSION)
    assert not base.api(10_000)


def test_each_place_is_called_by_some_test() -> None:
    assert PLACES == WITHOUT_KERNEL | IN_A_SESSION


def test_a_status_is_made_read_and_released(base: Base) -> None:
    status = called(base, CREATE_STATUS, ctypes.c_void_p, 9, b"not done")

    pointer = ctypes.c_void_p(status)
    assert called(base, ERROR_CODE, ctypes.c_int, pointer) == 9
    assert called(base, ERROR_MESSAGE, ctypes.c_char_p, pointer) == b"not done"
    called(base, RELEASE_STATUS, None, pointer)


def test_a_domain_is_made_and_released(base: Base) -> None:
    domain = ctypes.c_void_p()

    assert called(base, CREATE_DOMAIN, ctypes.c_void_p, b"some", ctypes.byref(domain)) is None

    assert domain.value
    called(base, RELEASE_DOMAIN, None, domain)


def test_the_default_allocator_is_handed_out(base: Base) -> None:
    allocator = ctypes.c_void_p()

    assert called(base, ALLOCATOR, ctypes.c_void_p, ctypes.byref(allocator)) is None

    assert allocator.value
    assert called(base, FREE, ctypes.c_void_p, allocator, ctypes.c_void_p()) is None


def test_a_kernel_reads_every_kind_of_attribute(open_model: Open, library: Path) -> None:
    attributes = drawn(np.random.default_rng(0), Shape())
    attributes |= {"aggregate_function": "SUM", "post_transform": "NONE"}
    tensor = numpy_helper.from_array(np.array([1.5]), "base")

    answer = open_model(model_of(attributes), library).run(
        None, {"x": np.ones((2, 10), np.float32)}
    )
    with pytest.raises(Exception, match="initialization: values of float64"):
        open_model(model_of(attributes | {"base_values_as_tensor": tensor}), library)

    assert answer[0].shape == (2, 1)
