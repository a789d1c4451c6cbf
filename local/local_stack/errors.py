"""Errors of the local stack; each message names the next step.

StackError
├── PortTakenError
├── OtherSubjectError
├── ServiceError
├── DeploymentError
├── FirstModelError
└── MissingProgramError
"""


class StackError(Exception):
    """Raised when a command of the local stack fails; the root of the others."""


class PortTakenError(StackError):
    """Raised when another program listens on a port of the stack."""


class OtherSubjectError(StackError):
    """Raised when the stack's data are of another table than the one that is asked for."""


class ServiceError(StackError):
    """Raised when a service does not start, or ends."""


class DeploymentError(StackError):
    """Raised when CloudFormation does not deploy the template."""


class FirstModelError(StackError):
    """Raised when the first upload does not lead to a served model."""


class MissingProgramError(StackError):
    """Raised when a program of the monitoring is not installed."""
