"""Errors of the retrain function.

HousingError
└── RetrainError
    ├── EventError
    └── LaunchError
"""

from housing.errors import HousingError


class RetrainError(HousingError):
    """Base class of the retrain function's errors."""


class EventError(RetrainError):
    """Raised when an event is not a valid S3 object event."""


class LaunchError(RetrainError):
    """Raised when a training job could not be started."""
