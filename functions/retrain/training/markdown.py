"""Text of strangers in Markdown: shown as it is, whichever flavour a viewer speaks."""


def code_span(text: str) -> str:
    """Return text as a code span of one line, in which nothing is a link, a mention or emphasis.

    GitHub's flavour, and MLflow's, makes links of bare addresses and of names after ``@``, and a
    backslash before them does not help. Of a code span only its own sign ends it.
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"`{line.replace('`', chr(39))}`" if line else ""


def code_cell(text: str) -> str:
    """Return text as a code span within a table, where bars that belong to it are escaped.

    https://github.github.com/gfm/#tables-extension-
    """
    return code_span(text.replace("\\|", "\\ |").replace("|", "\\|"))
