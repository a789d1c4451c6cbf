"""The first-party files that an upload's job enters."""

from collections.abc import Callable

import pytest

from fakes.entered_files import entered_files
from fakes.tables import as_csv, housing_table
from housing.jobs.status import State
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

MOST_FILES = 80  # one of them where the library of trees is built
"""Those that the job enters today: fewer are better, more are a decision."""


def test_the_files_that_a_first_job_enters_are_listed_and_no_more(
    context: JobContext, put_upload: Callable[..., Upload], capsys: pytest.CaptureFixture[str]
) -> None:
    upload = put_upload(as_csv(housing_table(800)))

    with entered_files() as entered:
        assert run(upload, context) == State.SUCCEEDED

    with capsys.disabled():
        print(f"\na first upload's job: {entered}")  # noqa: T201 - the list is what it is for
    assert "functions/retrain/training/job/job.py" in entered.calls
    assert len(entered) <= MOST_FILES
