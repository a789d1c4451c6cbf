"""The use case: post each message of an event, and log undeliverable ones."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from notify.errors import NotifyError, UndeliverableError
from notify.notices import Notice
from notify.slack import MessagePoster
from notify.slack_message import slack_message

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Posted:
    """Counts of an event's messages."""

    posted: int = 0
    undeliverable: int = 0


def post_all(
    notices: Iterable[Notice], slack: MessagePoster, seconds_left: Callable[[], float]
) -> Posted:
    """Post messages; the others are posted even if one fails.

    Raises:
        NotifyError: At least one failed, and a retry of the event may succeed.
    """
    done = Posted()
    failures = []
    for notice in notices:
        try:
            slack.post(slack_message(notice), seconds_left)
        except UndeliverableError as exc:
            facts = {"reason": str(exc), "next_step": exc.next_step, "title": notice.title}
            _LOG.error("notice_undeliverable", extra=facts)
            done.undeliverable += 1
        except NotifyError as exc:
            _LOG.warning("notice_not_posted", extra={"reason": str(exc), "title": notice.title})
            failures.append(exc)
        else:
            _LOG.info("notice_posted", extra={"title": notice.title})
            done.posted += 1
    if failures:
        raise failures[0]
    return done
