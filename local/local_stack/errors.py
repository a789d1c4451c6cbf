"""What can go wrong with the local stack.

StackError
├── PortTakenError
├── ServiceError
├── DeploymentError
├── FirstModelError
└── MissingProgramError
"""


class StackError(Exception):
    """Raised when the local stack cannot do what was asked; the message says what to do."""


class PortTakenError(StackError):
    """Raised when somebody else's program listens on a port that the stack needs."""


class ServiceError(StackError):
    """Raised when a service does not come up, or dies."""


class DeploymentError(StackError):
    """Raised when CloudFormation does not deploy the template."""


class FirstModelError(StackError):
    """Raised when the first upload does not end as a served model."""


class MissingProgramError(StackError):
    """Raised when a program of the monitoring is not on this machine."""
