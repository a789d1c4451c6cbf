"""Escape CSV cells against formula injection in spreadsheets.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_MAY_BE_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF001 - full-width signs too


def as_text(cell: str) -> str:
    """Return a cell, prefixed by an apostrophe if a spreadsheet would evaluate it.

    Numbers stay unchanged.
    """
    if _MAY_BE_FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
