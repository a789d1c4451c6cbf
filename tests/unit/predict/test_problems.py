"""Problems as they are written down, whatever is in them."""

import json
from http import HTTPStatus

from predict.problems import problem

HALF = "\ud83c"
"""Half of a surrogate pair: JSON can say it, UTF-8 cannot."""


def test_a_lone_surrogate_is_written_as_its_escape_everywhere() -> None:
    errors = ({"loc": ["body", HALF, 3], HALF: {"input": (HALF, None)}},)

    answer = problem("/predict", HTTPStatus.BAD_REQUEST, f"bad: {HALF}", errors=errors)

    body = json.loads(answer.body)
    assert body["detail"] == r"bad: \ud83c"
    assert body["errors"] == [
        {"loc": ["body", r"\ud83c", 3], r"\ud83c": {"input": [r"\ud83c", None]}}
    ]
    assert body["status"] == 400
