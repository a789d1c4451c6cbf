"""Escape untrusted text for Markdown, in every flavour."""


def code_span(text: str) -> str:
    """Return text as a code span of one line, in which nothing is a link, a mention or emphasis.

    GitHub's flavour, and MLflow's, makes links of bare addresses and of names after ``@``, and a
    backslash before them does not help. Only a backtick ends a code span.
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"`{line.replace('`', chr(39))}`" if line else ""


def code_cell(text: str) -> str:
    """Return text as a code span for a table cell, with its bars escaped.

    https://github.github.com/gfm/#tables-extension-
    """
    return code_span(text.replace("\\|", "\\ |").replace("|", "\\|"))
