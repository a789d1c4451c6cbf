"""Notices as Slack messages: blocks, and plain text for notifications and screen readers.

Blocks and limits: https://docs.slack.dev/reference/block-kit/blocks/,
escaping: https://docs.slack.dev/messaging/formatting-message-text/.
"""

from collections.abc import Iterator
from typing import Any

from notify.notices import Notice

HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3_000
FIELD_CHARACTERS = 2_000
SECTION_FIELDS = 10
_FIELD_SECTIONS = 2
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_FENCE = "```"


def slack_message(notice: Notice) -> dict[str, Any]:
    """Return the body of the webhook's request."""
    fallback = f"{notice.title}: {notice.reason}" if notice.reason else notice.title
    return {"text": cut(fallback, SECTION_CHARACTERS), "blocks": list(_blocks(notice))}


def cut(text: str, limit: int) -> str:
    """Escape a text and truncate it to ``limit`` characters, not within an escape."""
    signs = [_ESCAPED.get(sign, sign) for sign in text]
    if sum(map(len, signs)) <= limit:
        return "".join(signs)
    room, kept = limit - 1, []
    for sign in signs:
        room -= len(sign)
        if room < 0:
            break
        kept.append(sign)
    return "".join(kept) + "…"


def _blocks(notice: Notice) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(notice.title, HEADER_CHARACTERS)}
    if notice.reason.strip():
        yield {"type": "section", "text": _plain(notice.reason, SECTION_CHARACTERS)}
    fields = [_field(name, value) for name, value in notice.facts.items()]
    for first in range(0, min(len(fields), SECTION_FIELDS * _FIELD_SECTIONS), SECTION_FIELDS):
        yield {"type": "section", "fields": fields[first : first + SECTION_FIELDS]}
    if notice.advice or notice.next_step:
        yield {"type": "section", "text": _marked(_next(notice))}


def _next(notice: Notice) -> str:
    """Return the advice, and the command in a code fence that no text can close."""
    parts = []
    if notice.advice:
        parts.append(cut(notice.advice, SECTION_CHARACTERS // 2))
    if notice.next_step:
        command = cut(notice.next_step.replace(_FENCE, "'''"), SECTION_CHARACTERS // 2 - 10)
        parts.append(f"{_FENCE}{command}{_FENCE}")
    return "\n".join(parts)


def _field(name: str, value: str) -> dict[str, Any]:
    title = cut(name, FIELD_CHARACTERS // 4)
    return _marked(f"*{title}*\n{cut(value, FIELD_CHARACTERS // 2)}")


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def _marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
