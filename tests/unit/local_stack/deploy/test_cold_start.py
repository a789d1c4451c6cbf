"""Few sandboxes of a function start at once; each then is AWS's runtime client."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_stack.deploy import cold_start

PROGRAM = Path(cold_start.__file__)
CLIENT = {
    "client/__init__.py": "",
    "client/bootstrap.py": "",
    "client/__main__.py": "import sys\nprint(sys.argv[1:], 'slow' in sys.modules)\n",
}
HANDLER = """
import os, pathlib, time
here = pathlib.Path(os.environ["HERE"])
(here / f"{os.getpid()}.begun").touch()
assert len(list(here.glob("*.begun"))) - len(list(here.glob("*.ended"))) <= (os.cpu_count() or 1)
time.sleep(0.1)
(here / f"{os.getpid()}.ended").touch()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Have a runtime client that says how it was called, and a handler that is slow to import."""
    for name, content in {**CLIENT, "slow.py": HANDLER}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def environment(folder: Path) -> Mapping[str, str]:
    own = {"PYTHONPATH": str(folder), "TMPDIR": str(folder), "HERE": str(folder)}
    return {**own, "AWS_LAMBDA_FUNCTION_NAME": "retrain"}


def started(folder: Path, handler: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), "client", handler],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_many_that_start_at_once_import_a_few_at_a_time_and_all_get_there(folder: Path) -> None:
    count = 4 * (os.cpu_count() or 1)
    processes = [started(folder, "slow.handler") for _ in range(count)]

    ends = [process.communicate(timeout=60) for process in processes]

    assert [said for said, _ in ends] == ["['slow.handler'] True\n"] * count
    assert len(list(folder.glob("*.ended"))) == count


def test_a_handler_that_cannot_be_imported_is_left_to_the_client_to_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    cold_start.main("client", "nowhere.handler")

    assert capsys.readouterr().out == "['nowhere.handler'] False\n"


def test_one_that_dies_while_it_starts_lets_the_next_one_in(folder: Path) -> None:
    (folder / "slow.py").write_text("import time\ntime.sleep(60)\n")
    processes = [started(folder, "slow.handler") for _ in range(os.cpu_count() or 1)]
    deadline = time.monotonic() + 20
    while not all((folder / f"retrain.starting-{n}").exists() for n in range(len(processes))):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for process in processes:
        process.kill()
        process.communicate()

    with cold_start.turn(folder, "retrain", at_once=len(processes)):
        pass
