"""Cells for a CSV that people open in a spreadsheet, which takes some texts for formulas.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_MAY_BE_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF001 - full-width signs too


def as_text(cell: str) -> str:
    """Return a cell; one that a spreadsheet would compute begins with an apostrophe, as text does.

    Numbers stay numbers.
    """
    if _MAY_BE_FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
