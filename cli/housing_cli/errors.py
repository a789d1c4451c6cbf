"""Errors of the command line; each message is one line with the next step.

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
    """Raised when a command fails for a known reason; the root of the others."""


class MissingSettingError(CliError):
    """Raised when neither the environment nor the dotenv file has a setting that is needed."""


class DataFileError(CliError):
    """Raised when a file is missing, unreadable, badly named or of the wrong content."""


class DatabaseError(CliError):
    """Raised when a database cannot be opened or written."""


class LogGroupNotFoundError(CliError):
    """Raised when the log group of the predict function does not exist."""


class UnreadableLineError(CliError):
    """Raised when a logged prediction lacks a field or has an invalid one."""


class JobWaitError(CliError):
    """Raised when waiting for a job ends before the job does."""


class JobNotStartedError(JobWaitError):
    """Raised when no job appears for an upload, or its launcher refuses it."""


class JobStalledError(JobWaitError):
    """Raised when the status of a job is no longer updated."""


class JobTimeoutError(JobWaitError):
    """Raised when a job takes longer than the limit."""


class ApiUnreachableError(CliError):
    """Raised when the API does not answer in time."""


class ApiRefusedError(CliError):
    """Raised when the API answers with an error; ``problem`` is its body."""

    def __init__(self, message: str, problem: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.problem = problem
