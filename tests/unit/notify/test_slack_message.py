"""A notice in Slack's blocks: within its limits, and nothing in it but text."""

import html
from typing import Any

import pytest

from notify.notices import Notice
from notify.slack_message import cut, slack_message

FULL = Notice(
    title="california-housing: an upload was rejected",
    reason="the first line is '<!channel> a & b'",
    facts={"file": "new_data/<b>.csv", "job": "0123"},
    advice="correct the file",
    next_step="housing upload '<b>.csv' --wait",
)


def blocks(notice: Notice) -> list[dict[str, Any]]:
    message_blocks: list[dict[str, Any]] = slack_message(notice)["blocks"]
    return message_blocks


def texts(message: dict[str, Any]) -> list[str]:
    shown = [message["text"]]
    for block in message["blocks"]:
        parts = [block["text"]] if "text" in block else block["fields"]
        shown += [part["text"] for part in parts]
    return shown


def test_a_message_has_header_reason_facts_and_the_command_as_code() -> None:
    header, reason, facts, following = blocks(FULL)

    assert header == {
        "type": "header",
        "text": {"type": "plain_text", "text": FULL.title, "emoji": False},
    }
    assert reason["text"]["text"] == "the first line is '&lt;!channel&gt; a &amp; b'"
    assert [field["text"] for field in facts["fields"]] == [
        "*file*\nnew_data/&lt;b&gt;.csv",
        "*job*\n0123",
    ]
    assert following["text"]["text"] == (
        "correct the file\n```housing upload '&lt;b&gt;.csv' --wait```"
    )


def test_the_plain_text_says_what_and_why() -> None:
    message = slack_message(FULL)

    assert html.unescape(message["text"]) == f"{FULL.title}: {FULL.reason}"


def test_untrusted_text_makes_no_mention_and_no_link_and_stays_code() -> None:
    evil = "<!here> <http://evil.test|click> ```&"
    notice = Notice(evil, evil, {"file": evil}, evil, f"housing upload '{evil}'")

    for text in texts(slack_message(notice)):
        assert "<" not in text
        assert ">" not in text
    assert blocks(notice)[-1]["text"]["text"].split("\n")[-1].count("```") == 2


@pytest.mark.parametrize("sign", ["x", "&", "ä", "<", "\U0001f3e0"])
def test_slacks_limits_are_kept_however_long_a_text_is(sign: str) -> None:
    long = sign * 10_000
    notice = Notice(long, long, {f"{number} {long}": long for number in range(45)}, long, long)

    message = slack_message(notice)

    header, reason, *sections, following = message["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert len(reason["text"]["text"]) <= 3_000
    assert [len(section["fields"]) for section in sections] == [10, 10]
    assert all(len(field["text"]) <= 2_000 for part in sections for field in part["fields"])
    assert len(following["text"]["text"]) <= 3_000
    assert following["text"]["text"].endswith("```")
    assert len(message["text"]) <= 3_000


def test_missing_parts_make_no_block() -> None:
    assert [block["type"] for block in blocks(Notice("title", ""))] == ["header"]


@pytest.mark.parametrize("limit", range(1, 12))
def test_a_cut_text_ends_with_a_whole_sign(limit: int) -> None:
    shortened = cut("a&b&c", limit)

    assert len(shortened) <= limit
    assert shortened in ("…", "a…", "a&amp;…", "a&amp;b…")


def test_a_text_that_fits_is_not_cut() -> None:
    assert cut("a&b", 7) == "a&amp;b"
