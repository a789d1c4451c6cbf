"""Summarize the sources of many uploads in one line, for tags and cards."""

from collections.abc import Iterable

_MOST_CHARACTERS = 300


def joined(sources: Iterable[str]) -> str:
    """Join the distinct sources of uploads; count those that do not fit."""
    names = sorted(set(sources))
    line = names[0] if names else ""
    for hidden, name in zip(range(len(names) - 1, 0, -1), names[1:], strict=True):
        if len(line) + 1 + len(name) > _MOST_CHARACTERS:
            return f"{line} and {hidden} more"
        line = f"{line}+{name}"
    return line
