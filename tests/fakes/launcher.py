"""A job launcher that starts nothing."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from retrain.launcher import Job

if TYPE_CHECKING:
    from retrain.errors import LaunchError


class FakeJobLauncher:
    """Keeps the jobs that it was told to start, or refuses to.

    Attributes:
        fails_with: Raised for every job while it is set.
        known: What it says that it has at work; None where it cannot know.
    """

    def __init__(self) -> None:
        self.launched: list[Job] = []
        self.fails_with: LaunchError | None = None
        self.known: Collection[str] | None = None

    def launch(self, job: Job) -> None:
        """See ``JobLauncher.launch``."""
        if self.fails_with is not None:
            raise self.fails_with
        self.launched.append(job)

    def attend(self) -> Collection[str] | None:
        """See ``JobLauncher.attend``."""
        return self.known
