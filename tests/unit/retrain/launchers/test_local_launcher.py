"""Jobs as processes: one at a time, in order, within their time limit."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from local_stack.services import training_jobs
from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.launchers import job_queue, local
from retrain.launchers.job_queue import JobQueue, QueuedJob, lock
from retrain.launchers.local import LocalJobLauncher
from retrain.launchers.supervisor import OVER_TIME, supervise

SOURCES = Path(job_queue.__file__).parents[2]
JOBS = [Job(bucket="housing-test", key=f"new_data/{n}.csv", version_id="v1") for n in range(4)]
JOB, OTHER = JOBS[:2]
ENDS_WITHIN_SECONDS = 20
PROGRAM = """#!{python}
import json, os, pathlib, signal, sys, time
if "retrain.launchers.supervisor" in sys.argv:
    sys.path.insert(0, {sources!r})
    from retrain.launchers import supervisor
    signal.signal(signal.SIGTERM, supervisor._stop)
    supervisor.supervise(pathlib.Path(sys.argv[-1]), grace_seconds=0.3)
    raise SystemExit
with open({began!r}, "a") as file:
    file.write(json.dumps({{
        "arguments": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid(),
        "leads_its_session": os.getsid(0) == os.getpid(), "input": sys.stdin.read(),
    }}) + "\\n")
print("and an error", file=sys.stderr, flush=True)
for line in pathlib.Path({script!r}).read_text().splitlines():
    exec(line)
"""
"""An "interpreter": of the supervisor the real one, and of a job one that does as a script says."""


class Place:
    """The folders of a launcher, and what its jobs are to do and have done."""

    def __init__(self, folder: Path) -> None:
        self.jobs_dir = folder / "jobs"
        self.python = folder / "python"
        self.go = folder / "go"
        self._began = folder / "began"
        self._script = folder / "script"
        program = PROGRAM.format(
            python=sys.executable,
            sources=str(SOURCES),
            began=str(self._began),
            script=str(self._script),
        )
        self.python.write_text(program)
        self.python.chmod(0o755)
        self.do("")

    @property
    def queue(self) -> JobQueue:
        return JobQueue(self.jobs_dir)

    def do(self, script: str) -> None:
        """Have each job run this when it has said how it was started."""
        self._script.write_text(script)

    def wait_for_go(self) -> None:
        """Have each job wait until the test says so."""
        self.do(f"while not os.path.exists({str(self.go)!r}): time.sleep(0.01)")

    def begun(self) -> list[dict[str, object]]:
        """Return what the jobs said when they began, in their order."""
        if not self._began.exists():
            return []
        return [json.loads(line) for line in self._began.read_text().splitlines()]

    def launcher(self, *, timeout_seconds: float = 60) -> LocalJobLauncher:
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_ENDPOINT_URL": "http://aws.test",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
            "MLFLOW_TRACKING_URI": "http://mlflow.test",
            "HOUSING_BUCKET": "housing-test",
            "PYTHONPATH": "/var/task",
            "SECRET_OF_SOMEBODY_ELSE": "secret",
        }
        return LocalJobLauncher(
            self.python, self.jobs_dir, environment, timeout_seconds=timeout_seconds
        )

    def supervisor(self) -> psutil.Process:
        """Return the supervisor once it serves."""
        until(lambda: self.queue.supervisor.exists() and self.queue.supervisor.read_text() != "")
        return psutil.Process(int(self.queue.supervisor.read_text()))

    def at_work(self) -> psutil.Process:
        """Return the job at work once there is one."""
        until(lambda: self.queue.at_work() is not None)
        turn = self.queue.at_work()
        assert turn
        return psutil.Process(turn.pid)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone; nobody may be there to bury it."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def kill(process: psutil.Process) -> None:
    process.kill()
    until(lambda: has_ended(process))


def ids_of(begun: list[dict[str, object]]) -> list[str]:
    return [str(one["arguments"][-1]) for one in begun]  # type: ignore[index]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    training_jobs.stop_all(place.jobs_dir)
    for one in place.begun():
        with suppress(ProcessLookupError):
            os.killpg(int(str(one["pid"])), signal.SIGKILL)


def idle(place: Place) -> bool:
    return not place.queue.waiting() and place.queue.at_work() is None


def test_a_job_runs_detached_with_its_arguments(place: Place) -> None:
    place.launcher().launch(JOB)

    until(lambda: idle(place) and bool(place.begun()))
    [begun] = place.begun()
    assert begun["arguments"] == ["-m", "retrain.training", *JOB.arguments()]
    assert begun["leads_its_session"]
    assert begun["input"] == ""
    assert "and an error" in (place.jobs_dir / f"{JOB.job_id}.log").read_text()


def test_a_job_gets_what_it_needs_of_the_environment_and_nothing_else(place: Place) -> None:
    place.launcher(timeout_seconds=60).launch(JOB)

    until(lambda: bool(place.begun()))
    environment = place.begun()[0]["environment"]
    assert isinstance(environment, dict)
    assert environment.keys() - {"LC_CTYPE"} == {
        "PATH",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "MLFLOW_TRACKING_URI",
        "HOUSING_BUCKET",
        "HOUSING_TRAINING_TIMEOUT_SECONDS",
    }
    assert environment["HOUSING_TRAINING_TIMEOUT_SECONDS"] == "60"


def test_its_process_id_is_written_down_while_it_runs(place: Place) -> None:
    place.wait_for_go()
    place.launcher().launch(JOB)

    process = place.at_work()
    pid_file = place.jobs_dir / f"{JOB.job_id}.pid"
    until(pid_file.exists)
    assert int(pid_file.read_text()) == process.pid
    place.go.touch()
    until(lambda: idle(place) and not pid_file.exists())


def test_of_many_jobs_of_many_processes_one_runs_at_a_time_in_their_order(place: Place) -> None:
    place.wait_for_go()
    for job in JOBS:
        place.launcher().launch(job)  # each as of a sandbox of its own

    until(lambda: len(place.begun()) == 1)
    assert place.queue.waiting() == [job.job_id for job in JOBS[1:]]
    assert place.launcher().attend() == {job.job_id for job in JOBS}
    assert len(place.begun()) == 1
    place.go.touch()
    until(lambda: idle(place) and len(place.begun()) == len(JOBS))
    assert ids_of(place.begun()) == [job.job_id for job in JOBS]


def test_a_job_that_waits_is_queued_once_however_often_it_is_launched(place: Place) -> None:
    place.wait_for_go()
    for job in (JOB, OTHER, OTHER):
        place.launcher().launch(job)
    place.at_work()

    until(
        lambda: place.queue.waiting() == [OTHER.job_id]
    )  # it is at work before it leaves the queue
    place.go.touch()
    until(lambda: idle(place) and len(place.begun()) == 2)


def test_the_supervisor_ends_when_nothing_waits_and_leaves_no_zombie(place: Place) -> None:
    launcher = place.launcher()
    launcher.launch(JOB)
    until(lambda: idle(place) and bool(place.begun()))
    first = place.supervisor()

    until(lambda: has_ended(first))
    launcher.launch(OTHER)
    until(lambda: idle(place) and len(place.begun()) == 2)

    assert not first.is_running()


def test_jobs_that_wait_when_a_supervisor_dies_are_started_by_the_next_sweep(place: Place) -> None:
    place.wait_for_go()
    for job in (JOB, OTHER):
        place.launcher().launch(job)
    orphan, first = place.at_work(), place.supervisor()
    kill(first)

    assert place.launcher().attend() == {JOB.job_id, OTHER.job_id}
    until(lambda: place.queue.supervisor.read_text() not in {"", str(first.pid)})
    until(lambda: bool(place.begun()))
    assert ids_of(place.begun()) == [JOB.job_id]
    assert orphan.is_running()
    place.go.touch()
    until(lambda: idle(place) and len(place.begun()) == 2)


def test_a_job_of_a_dead_supervisor_is_held_to_its_time_by_the_next(place: Place) -> None:
    place.wait_for_go()
    place.launcher(timeout_seconds=1).launch(JOB)
    orphan = place.at_work()
    kill(place.supervisor())
    place.launcher().launch(OTHER)

    until(lambda: len(place.begun()) == 2)
    assert has_ended(orphan)
    place.go.touch()
    until(lambda: idle(place))


def test_a_job_that_exceeds_its_time_is_asked_to_end(place: Place) -> None:
    place.do("time.sleep(60)")

    place.launcher(timeout_seconds=0.5).launch(JOB)

    until(lambda: idle(place) and bool(place.begun()))
    assert len(place.begun()) == 1  # it says itself why it ended


def test_a_job_that_ignores_sigterm_is_killed_with_its_children_and_recorded(
    place: Place,
) -> None:
    place.do(
        "if '--over-time' in sys.argv: raise SystemExit\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "time.sleep(60)"
    )

    place.launcher(timeout_seconds=0.5).launch(JOB)

    process = place.at_work()
    until(lambda: len(process.children()) == 1)
    family = [process, *process.children()]
    until(lambda: idle(place) and len(place.begun()) == 2)
    assert place.begun()[1]["arguments"] == ["-m", "retrain.training", *JOB.arguments(), OVER_TIME]
    assert all(has_ended(one) for one in family)


def test_a_terminated_supervisor_stops_its_job_and_keeps_the_queue(place: Place) -> None:
    place.do("time.sleep(60)")
    place.launcher().launch(JOB)
    process = place.at_work()
    place.launcher().launch(OTHER)  # the one supervisor serves by now, and takes this one too

    place.supervisor().terminate()

    until(lambda: has_ended(process))
    until(lambda: place.queue.at_work() is None)
    assert place.queue.waiting() == [OTHER.job_id]


def test_an_interpreter_that_is_missing_is_a_failed_launch_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    launcher = LocalJobLauncher(tmp_path / "missing", tmp_path / "jobs", {})

    with pytest.raises(LaunchError, match="missing: No such file"):
        launcher.launch(JOB)

    assert launcher.attend() == set()


def test_an_interpreter_that_vanishes_fails_no_sweep(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    add(place, JOB)
    place.python.unlink()

    assert place.launcher().attend() == {JOB.job_id}
    assert "queue_not_supervised" in caplog.text


def test_a_queue_that_is_full_refuses(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue, "MOST", 1)
    monkeypatch.setattr(local, "MOST", 1)
    place.wait_for_go()
    place.launcher().launch(JOB)
    place.at_work()
    until(lambda: place.queue.waiting() == [])
    place.launcher().launch(OTHER)

    with pytest.raises(LaunchError, match="1 training jobs are queued already"):
        place.launcher().launch(JOBS[2])

    place.go.touch()
    until(lambda: idle(place) and len(place.begun()) == 2)


def add(place: Place, job: Job, command: str = "/bin/false") -> None:
    place.queue.add(QueuedJob(job.job_id, [command], {}, 60))


def test_the_queue_is_read_by_its_owner_alone(place: Place) -> None:
    add(place, JOB)

    [path] = place.queue.folder.glob("*.json")
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"job_id": "1"}'])
def test_half_a_file_is_thrown_away(place: Place, content: str) -> None:
    add(place, JOB)
    [path] = place.queue.folder.glob("*.json")
    path.write_text(content)

    supervise(place.jobs_dir)

    assert place.queue.waiting() == []


def test_a_job_that_cannot_be_started_says_so_in_its_log_and_lets_the_next_one_in(
    place: Place,
) -> None:
    add(place, JOB, "/nowhere/python")
    add(place, OTHER)

    supervise(place.jobs_dir)

    assert place.queue.waiting() == []
    log = (place.jobs_dir / f"{JOB.job_id}.log").read_text()
    assert "the job cannot be started" in log
    assert "No such file" in log


def test_of_two_supervisors_one_leaves(place: Place) -> None:
    add(place, JOB)

    with lock(place.queue.supervisor):
        supervise(place.jobs_dir)

    assert place.queue.waiting() == [JOB.job_id]


def test_a_job_that_is_queued_while_the_supervisor_leaves_is_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(place, JOB)
    first = JobQueue.first
    late = iter([OTHER])

    def then_another_is_queued(queue: JobQueue) -> QueuedJob | None:
        queued = first(queue)
        if queued is None and (job := next(late, None)):
            add(place, job)
        return queued

    monkeypatch.setattr(JobQueue, "first", then_another_is_queued)

    supervise(place.jobs_dir)

    assert (place.jobs_dir / f"{OTHER.job_id}.log").exists()
    assert place.queue.waiting() == []


def test_the_program_that_records_the_time_limit_is_stopped_if_it_hangs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.launchers.supervisor._WRITE_SECONDS", 0.1)
    command = [sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(60)"]
    place.queue.add(QueuedJob(JOB.job_id, command, {}, 0.5))

    supervise(place.jobs_dir, grace_seconds=0.1)

    assert place.queue.at_work() is None
