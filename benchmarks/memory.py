"""Memory of a process and all that it starts, sampled while it runs."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    import subprocess

_PERIOD_SECONDS = 0.1


@dataclass
class Watch:
    """Samples the proportional set size of a family of processes: shared pages count once.

    Attributes:
        samples: Time of each sample, and the bytes of all processes.
        largest: The most bytes of each process, by its id.
    """

    process: "subprocess.Popen[bytes]"
    samples: list[tuple[float, int]] = field(default_factory=list)
    largest: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the process's end."""
        self.process.wait()
        self._thread.join()

    @property
    def peak(self) -> int:
        """The most bytes of all processes at once."""
        return max((size for _, size in self.samples), default=0)

    def peak_between(self, begin: float, end: float) -> int:
        """Return the most bytes between two times."""
        return max((size for at, size in self.samples if begin <= at <= end), default=0)

    def _sample(self) -> None:
        first = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            at, total = time.time(), 0
            try:
                family = [first, *first.children(recursive=True)]
            except psutil.NoSuchProcess:
                break
            for member in family:
                size = _bytes_of(member.pid)
                total += size
                self.largest[member.pid] = max(size, self.largest.get(member.pid, 0))
            self.samples.append((at, total))
            time.sleep(_PERIOD_SECONDS)


def _bytes_of(pid: int) -> int:
    """Return a process's proportional set size; 0 once it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split(maxsplit=1)[0]) << 10
