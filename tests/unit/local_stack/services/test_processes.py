import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.services import processes, training_jobs
from local_stack.services.processes import Record

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[psutil.Process]:
    started = processes.start(
        SLEEPER,
        environment={"PATH": os.environ["PATH"]},
        log=tmp_path / "logs" / "sleeper.log",
        record=tmp_path / "run" / "sleeper.json",
        digest="d",
    )
    process = started.process()
    assert process
    yield process
    processes.stop(process)


def wait_until_said(log: Path, text: str) -> None:
    """Wait for a program's word; before it the kernel may not know its command line yet."""
    deadline = time.monotonic() + 10
    while text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_started_program_is_found_by_its_record_and_stopped_by_it(
    tmp_path: Path, sleeper: psutil.Process
) -> None:
    record = processes.read_record(tmp_path / "run" / "sleeper.json")

    assert record
    assert record.process() == sleeper
    processes.stop(sleeper)
    assert record.process() is None


def test_a_program_leads_a_session_of_its_own_so_that_ctrl_c_misses_it(
    sleeper: psutil.Process,
) -> None:
    assert os.getsid(sleeper.pid) == sleeper.pid != os.getsid(0)


def test_a_reused_process_id_is_not_taken_for_the_program(sleeper: psutil.Process) -> None:
    since_boot = sleeper.create_time() - psutil.boot_time()
    impostor = Record(sleeper.pid, sleeper.create_time() - 100, "d", since_boot - 100)

    assert impostor.process() is None


@pytest.mark.parametrize("seconds", [-7_200, 3, 86_400])
def test_a_program_is_found_after_the_clock_was_set(
    tmp_path: Path, sleeper: psutil.Process, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    record = processes.read_record(tmp_path / "run" / "sleeper.json")
    created, boot_time = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + seconds)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + seconds)

    assert record
    assert record.process() == sleeper


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_half_a_record_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)

    assert processes.read_record(path) is None


def test_a_program_deaf_to_politeness_is_ended_with_its_children(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print('ready', flush=True); time.sleep(60)"
    )
    log = tmp_path / "deaf.log"
    record = processes.start(
        (sys.executable, "-c", script),
        environment={"PATH": os.environ["PATH"]},
        log=log,
        record=tmp_path / "deaf.json",
        digest="d",
    )
    process = record.process()
    assert process
    wait_until_said(log, "ready")
    family = [process, *process.children(recursive=True)]

    processes.stop(process, terminate_seconds=0.2)

    assert len(family) == 2
    assert not [member for member in family if member.is_running()]


def test_programs_deaf_to_politeness_are_ended_within_the_time_of_one(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(60)"
    )
    deaf = []
    for number in range(6):
        log = tmp_path / f"{number}.log"
        record = processes.start(
            (sys.executable, "-c", script),
            environment={"PATH": os.environ["PATH"]},
            log=log,
            record=tmp_path / f"{number}.json",
            digest="d",
        )
        wait_until_said(log, "ready")
        process = record.process()
        assert process
        deaf.append(process)

    began = time.monotonic()
    processes.stop_together(deaf, terminate_seconds=1)

    assert time.monotonic() - began < 2.5
    assert not [process for process in deaf if process.is_running()]


def test_an_interrupt_during_a_start_comes_after_it() -> None:
    steps = []

    def start() -> None:
        with processes.uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("finished")

    with pytest.raises(KeyboardInterrupt):
        start()

    assert steps == ["finished"]


def test_a_training_job_is_ended_by_its_pid_file_and_nothing_else_is(
    tmp_path: Path, sleeper: psutil.Process
) -> None:
    job = processes.start(
        (*SLEEPER, "--job-id", "abc"),
        environment={"PATH": os.environ["PATH"]},
        log=tmp_path / "abc.log",
        record=tmp_path / "unused.json",
        digest="d",
    )
    wait_until_said(tmp_path / "abc.log", "up")
    (tmp_path / "abc.pid").write_text(str(job.pid))
    (tmp_path / "old.pid").write_text(str(sleeper.pid))

    ended = training_jobs.stop_all(tmp_path)

    assert ended == ["abc"]
    assert job.process() is None
    assert sleeper.is_running()
    assert not list(tmp_path.glob("*.pid"))


def test_a_log_that_has_grown_too_large_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LOG_BYTES", 10)
    log = tmp_path / "program.log"
    log.write_text("of the last time\n")

    started = processes.start(
        (sys.executable, "-c", "print('of this time')"),
        environment={"PATH": os.environ["PATH"]},
        log=log,
        record=tmp_path / "program.json",
        digest="d",
    )
    wait_until_said(log, "of this time")

    psutil.wait_procs([running] if (running := started.process()) else [], timeout=10)
    assert (tmp_path / "program.log.1").read_text() == "of the last time\n"
    assert log.read_text() == "of this time\n"
