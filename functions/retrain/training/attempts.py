"""Attempts of a job: exit statuses, and whether AWS Batch starts another attempt.

AWS Batch looks at the exit status of an attempt: ``RetryStrategy`` in ``infra/template.yaml``.
"""

import os
from collections.abc import Mapping
from enum import IntEnum

MOST_ATTEMPTS = 3
"""Attempts in the job definition."""
_NUMBER = "AWS_BATCH_JOB_ATTEMPT"


class ExitStatus(IntEnum):
    """Exit status of the training program."""

    REGISTERED = 0
    """The upload ended as a registered version."""
    NOT_REGISTERED = 1
    """It was rejected, the job failed, or another process has taken the job over."""
    STOPPED = 143
    """The process was stopped by a signal (128 + SIGTERM); the job is continued later."""


def is_attempted_again(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether AWS Batch makes another attempt of a job that is stopped now.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    number = environment.get(_NUMBER, "")
    return number.isdecimal() and int(number) < MOST_ATTEMPTS
