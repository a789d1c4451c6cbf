"""What can go wrong on the command line; every message is a line that a person can act on.

CliError
├── MissingSettingError
├── DataFileError
├── DatabaseError
├── LogGroupNotFoundError
├── UnreadableLineError
├── JobWaitError
│   ├── JobNotStartedError
│   ├── JobStalledError
│   └── JobTimeoutError
├── ApiUnreachableError
└── ApiRefusedError
"""

from collections.abc import Mapping
from typing import Any


class CliError(Exception):
    """Raised when a command cannot do what was asked; the root of every other error."""


class MissingSettingError(CliError):
    """Raised when a command needs a setting that neither environment nor dotenv file gives."""


class DataFileError(CliError):
    """Raised when a file is missing, unreadable, badly named or not what it should be."""


class DatabaseError(CliError):
    """Raised when a database cannot be opened or written, or is not what it should be."""


class LogGroupNotFoundError(CliError):
    """Raised when the log of the predict function is not where the settings say."""


class UnreadableLineError(CliError):
    """Raised when a logged prediction lacks a field or holds a wrong one."""


class JobWaitError(CliError):
    """Raised when waiting for a job ends before the job does."""


class JobNotStartedError(JobWaitError):
    """Raised when no job appears for an upload."""


class JobStalledError(JobWaitError):
    """Raised when a job stops being updated."""


class JobTimeoutError(JobWaitError):
    """Raised when a job takes longer than somebody will wait."""


class ApiUnreachableError(CliError):
    """Raised when the API cannot be reached or is too slow."""


class ApiRefusedError(CliError):
    """Raised when the API answers with an error; ``problem`` is its body."""

    def __init__(self, message: str, problem: Mapping[str, Any]) -> None:
        """Keep the line to show and the API's own words."""
        super().__init__(message)
        self.problem = problem
