"""The log of a function: a JSON line for each event, of this package's modules as of its own."""

import logging

from aws_lambda_powertools import Logger

_SHARED = "housing"


def function_logger(service: str) -> Logger:
    """Return the logger of a function; every module's own logger writes through it.

    Powertools' logger is named after the service, which is the function's package, so that it is
    the parent of the package's loggers. Its handler serves this package's as well: the runtime
    client's, at the root, writes warnings alone, and leaves their fields out.

    Args:
        service: Name of the function, of its package and of its metrics' dimension.
    """
    logger = Logger(service=service)
    shared = logging.getLogger(_SHARED)
    shared.setLevel(logger.log_level)
    shared.handlers = list(logger.handlers)
    shared.propagate = False
    return logger
