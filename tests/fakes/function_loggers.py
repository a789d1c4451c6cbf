"""The loggers of a function, which a process keeps: a test begins and ends without them."""

import logging

_POWERTOOLS_MARKS = ("init", "powertools_handler", "powertools_buffer_config")


def forget_loggers(function: str) -> None:
    """Give the loggers of a function's package and of the shared one back to the root logger."""
    for name in (function, "housing"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        for mark in _POWERTOOLS_MARKS:
            vars(logger).pop(mark, None)
