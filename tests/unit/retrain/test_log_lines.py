"""Log lines of the training job."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from retrain.training.log_lines import EventFormatter, write_log_lines

FIRST_PARTY = ("retrain", "housing")


def record(level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("retrain", level, __file__, 1, "rows_read", (), None)
    vars(made).update(fields)
    return made


@pytest.fixture
def _levels() -> Iterator[None]:
    """Put back what the program sets for its whole process."""
    loggers = [logging.getLogger(name) for name in ("", *FIRST_PARTY)]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_an_events_fields_stand_behind_it_as_json() -> None:
    line = EventFormatter().format(record(rows=3, file="Größe.csv"))

    head, fields = line.split(" rows_read ")
    assert head.endswith("INFO")
    assert json.loads(fields) == {"rows": 3, "file": "Größe.csv"}
    assert "Größe" in line


def test_an_event_without_fields_is_its_name() -> None:
    assert EventFormatter().format(record()).endswith("INFO rows_read")


def test_a_traceback_stands_below_the_line() -> None:
    failed = record(logging.ERROR)
    try:
        msg = "no disk"
        raise OSError(msg)  # noqa: TRY301 - to have a traceback
    except OSError:
        failed.exc_info = sys.exc_info()

    first, *rest = EventFormatter().format(failed).splitlines()

    assert first.endswith("ERROR rows_read")
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "OSError: no disk"


@pytest.mark.usefixtures("_levels")
def test_of_other_packages_only_warnings_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers.clear()  # as in a process of its own
    write_log_lines()

    for name in (*FIRST_PARTY, "botocore"):
        logging.getLogger(name).info("quiet_%s", name)
        logging.getLogger(name).warning("loud_%s", name)

    output = capsys.readouterr().err
    assert [name for name in ("retrain", "housing", "botocore") if f"quiet_{name}" in output] == [
        "retrain",
        "housing",
    ]
    assert output.count("loud_") == 3
