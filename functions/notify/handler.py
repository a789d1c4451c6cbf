"""Entry of the notify function: messages of the alert topic in, posts to Slack out."""

from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from notify.composition import Service, service
from notify.notices import notices_in
from notify.posting import post_all

Event = dict[str, Any]
_MILLISECONDS = 1000


def lambda_handler(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Post the messages of one event; Lambda retries after an error."""
    return _entry()(event, context)


@cache
def _entry() -> Callable[[Event, LambdaContext], dict[str, Any]]:
    return entry_of(service())


def entry_of(parts: Service) -> Callable[[Event, LambdaContext], dict[str, Any]]:
    """Build the entry from its parts."""

    @parts.logger.inject_lambda_context(clear_state=True)
    def entry(event: Event, context: LambdaContext) -> dict[str, Any]:
        def seconds_left() -> float:
            return context.get_remaining_time_in_millis() / _MILLISECONDS

        done = post_all(notices_in(event), parts.slack, seconds_left)
        return {"posted": done.posted, "undeliverable": done.undeliverable}

    return entry
