"""Large arrays in files: processes share them, and a page that was used need not stay in memory.

The file of an array has no name in the end, or goes with its folder; nothing is ever read from it
by a later process.
"""

import mmap
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LEAST_BYTES = 8 << 20
"""Smaller arrays stay in memory."""
_PIECE_BYTES = 4 << 20
_ZEROS = bytes(1 << 20)


def scratch(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of this process alone; a large one is in a file without a name."""
    size = _bytes(shape, dtype)
    if size < LEAST_BYTES:
        return np.empty(shape, dtype)
    with TemporaryFile(prefix="housing-array-") as file:
        if not _has_room(file, size):
            return np.empty(shape, dtype)
        return np.memmap(file, dtype, "r+", shape=tuple(shape))


def release(array: NDArray[Any]) -> None:
    """Let the memory of an array's file go; what is read again comes from the file."""
    mapped: mmap.mmap | None = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def pieces(array: NDArray[Any]) -> Iterator[slice]:
    """Yield slices of a few megabytes; release the array after each."""
    rows = max(1, _PIECE_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)
        release(array)


def taken(array: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
    """Return some rows of an array, as ``array[rows]`` does, a piece at a time."""
    out = scratch((int(np.count_nonzero(rows)), *array.shape[1:]), array.dtype)
    at = 0
    for piece in pieces(array):
        part = array[piece][rows[piece]]
        out[at : at + len(part)] = part
        at += len(part)
        release(out)
    return out


class ArrayFiles:
    """Arrays that other processes map by the paths of their files."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._paths: dict[int, Path] = {}
        self._made = 0

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array; a large one is in a file, unless the disk is full."""
        size = _bytes(shape, dtype)
        if size < LEAST_BYTES:
            return np.empty(shape, dtype)
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="housing-arrays-")
        path = Path(self._folder.name, str(self._made))
        self._made += 1
        with path.open("w+b") as file:
            if not _has_room(file, size):
                path.unlink()
                return np.empty(shape, dtype)
            array = np.memmap(file, dtype, "r+", shape=tuple(shape))
        self._paths[id(array)] = path
        weakref.finalize(array, self._forget, id(array))
        return array

    def path_of(self, array: NDArray[Any]) -> Path | None:
        """Return the path of a whole array's file; None if it is in memory, or a part of one."""
        return self._paths.get(id(array))

    def close(self) -> None:
        """Delete the files; arrays that are mapped keep their values."""
        self._paths.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _forget(self, key: int) -> None:
        path = self._paths.pop(key, None)
        if path is not None:
            path.unlink(missing_ok=True)


def opened(path: Path, dtype: DTypeLike, shape: Sequence[int]) -> NDArray[Any]:
    """Map the file of another process's array, to be read."""
    return np.memmap(path, dtype, "r", shape=tuple(shape))


def _bytes(shape: Sequence[int], dtype: DTypeLike) -> int:
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize


def _has_room(file: IO[bytes], size: int) -> bool:
    """Write zeros: a full disk is an error here, and would be a signal in a mapped page."""
    try:
        for start in range(0, size, len(_ZEROS)):
            file.write(_ZEROS[: size - start])
        file.flush()
    except OSError:
        return False
    return True
