"""The use case: each message of an event is posted, and what cannot be delivered is logged."""

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
    """What became of the messages of an event."""

    posted: int = 0
    undeliverable: int = 0


def post_all(
    notices: Iterable[Notice], slack: MessagePoster, seconds_left: Callable[[], float]
) -> Posted:
    """Post messages; one that is not taken does not keep the others back.

    Raises:
        NotifyError: At least one was not taken now; the same event again may do.
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
