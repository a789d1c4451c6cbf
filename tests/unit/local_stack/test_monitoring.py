"""What ``make monitoring`` needs, and says where it is missing."""

import shutil
from pathlib import Path

import pytest
import yaml

from housing_ops.progress import Progress
from local_stack.errors import MissingProgramError, StackError
from local_stack.monitoring import configuration, start
from local_stack.settings import StackSettings

NAMES = ("yace", "prometheus", "alertmanager")


def settings(state_dir: Path, **programs: Path) -> StackSettings:
    return StackSettings(state_dir=state_dir, **programs)  # type: ignore[arg-type]


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_without_a_stack_there_is_nothing_to_monitor(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="start it first, with make run"):
        start.up(settings(tmp_path), Progress())


def test_programs_that_are_named_are_taken(tmp_path: Path) -> None:
    named = {name: program(tmp_path, f"my-{name}") for name in NAMES}

    assert start.programs(settings(tmp_path, **named)) == named


def test_programs_on_the_path_are_found_by_their_usual_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "BUILT_YACE", tmp_path / "not-built")
    made = [program(tmp_path, name) for name in NAMES]
    monkeypatch.setenv("PATH", str(tmp_path))

    assert list(start.programs(settings(tmp_path)).values()) == made


def test_each_program_that_is_missing_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    named = {name: tmp_path / f"no-{name}" for name in NAMES}

    with pytest.raises(MissingProgramError) as caught:
        start.programs(settings(tmp_path, **named))

    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == list(NAMES)
    assert lines[1].endswith("HOUSING_YACE=path")


def test_files_are_replaced_in_their_folder_and_only_where_they_differ(tmp_path: Path) -> None:
    configuration.write(settings(tmp_path), tmp_path)
    targets = tmp_path / "prometheus" / "targets"
    folder, before = targets.stat().st_ino, (targets / "yace.yaml").stat()
    same = (targets / "alertmanager.yaml").stat().st_ino
    (targets / "gone.yaml").write_text("- targets: []\n")

    configuration.write(StackSettings(state_dir=tmp_path, yace_port=6002), tmp_path)

    assert targets.stat().st_ino == folder
    assert (targets / "yace.yaml").stat().st_ino != before.st_ino
    assert (targets / "yace.yaml").read_text() == '- targets: ["127.0.0.1:6002"]\n'
    assert (targets / "alertmanager.yaml").stat().st_ino == same
    assert sorted(path.name for path in targets.iterdir()) == [
        "alertmanager.yaml",
        "prometheus.yaml",
        "yace-hours.yaml",
        "yace.yaml",
    ]


def notifications(folder: Path, *secrets: str) -> dict[str, set[str]]:
    """Return the kinds of notification by receiver where a checkout has these secrets."""
    sources = folder / "monitoring"
    shutil.copytree(configuration.SOURCES, sources)
    kept = sources / "alertmanager" / "secrets"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for name in secrets:
        (kept / name).write_text("secret")
    configuration.write(settings(folder), folder / "written", sources=sources)
    config = yaml.safe_load((folder / "written" / "alertmanager.yaml").read_text())
    return {receiver.pop("name"): set(receiver) for receiver in config["receivers"]}


def test_alerts_go_where_their_secrets_are(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "one").mkdir()

    assert not any(notifications(tmp_path / "none").values())
    assert notifications(tmp_path / "one", "slack_webhook_url")["slack-and-email"] == {
        "slack_configs"
    }
