"""What can go wrong in the retrain function.

HousingError
└── RetrainError
    ├── EventError
    └── LaunchError
"""

from housing.errors import HousingError


class RetrainError(HousingError):
    """Raised when the retrain function fails in a way of its own."""


class EventError(RetrainError):
    """Raised when an event is not what S3 sends for an object."""


class LaunchError(RetrainError):
    """Raised when a training job could not be started."""
