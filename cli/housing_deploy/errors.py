"""What can go wrong with a deployment; every message says what to do next.

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
    """Raised when a stage is not what was asked for; the root of every other error."""


class StageError(DeployError):
    """Raised when samconfig.toml or the parameters do not make a stage."""


class StepError(DeployError):
    """Raised when the checks, the build or the packaging fail."""


class NotConfirmedError(DeployError):
    """Raised when nobody said yes."""


class StackStateError(DeployError):
    """Raised when a stack is in a state that no deployment can begin in."""


class ChangeSetError(DeployError):
    """Raised when CloudFormation does not make a change set."""


class RolloutError(DeployError):
    """Raised when what was deployed is not, or is no longer, what was asked for."""


class SmokeError(DeployError):
    """Raised when the deployed API does not do what it is for."""


class WaitError(DeployError):
    """Raised when something takes longer than its bound."""
