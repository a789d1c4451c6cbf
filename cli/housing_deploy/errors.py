"""Errors of a deployment; each message names the next step.

DeployError
├── StageError
├── StepError
├── NotConfirmedError
├── StackStateError
├── ChangeSetError
├── RolloutError
├── SmokeError
└── WaitError
"""


class DeployError(Exception):
    """Raised when no stage is given; the root of the others."""


class StageError(DeployError):
    """Raised when samconfig.toml or the parameters do not make a stage."""


class StepError(DeployError):
    """Raised when the checks, the build or the packaging fail."""


class NotConfirmedError(DeployError):
    """Raised when the user declined, or could not be asked."""


class StackStateError(DeployError):
    """Raised when the stack is in a state that allows no update."""


class ChangeSetError(DeployError):
    """Raised when CloudFormation does not create a change set."""


class RolloutError(DeployError):
    """Raised when a deployment or a deletion failed, rolled back or not."""


class SmokeError(DeployError):
    """Raised when the deployed API fails the smoke test."""


class WaitError(DeployError):
    """Raised when CloudFormation takes longer than the limit."""
