"""Refuses JSON objects that name a field twice: which value was meant, nobody knows (RFC 8259, 4).

Parsers keep the last one and say nothing, so names are counted: outside of strings, each name of an
object has one colon.
"""

import json
from collections import Counter
from typing import Any

from predict.errors import MalformedBodyError

_SHOWN_CHARACTERS = 100


def refuse_repeated_names(body: bytes, found: int) -> None:
    """Compare a body with what was parsed from it.

    Args:
        body: JSON that a parser has taken.
        found: How many names all objects have that the parser made of it. Where strings hold
            colons, or a name stands there twice, the numbers differ and the body is read again.

    Raises:
        MalformedBodyError: An object names a field twice.
    """
    if body.count(b":") == found:
        return
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        msg = f"the body is no JSON in UTF-8: {exc}"
        raise MalformedBodyError(msg) from exc


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        msg = f"the body names {name[:_SHOWN_CHARACTERS]} {times} times; say it once"
        raise MalformedBodyError(msg)
    return found
