"""An answer of ``/predict`` as a person reads it, for any subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from housing.schema import SCALED, SUBJECT, TARGET, amount


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The prediction in an answer.

    Attributes:
        value: What is predicted, with its unit.
        certainty: Its interval; of a classification, its probability.
        is_sound: Whether the value lies in its interval, or the probability in 0 … 1.
    """

    value: str
    certainty: str
    is_sound: bool


def text_of(answer: Mapping[str, Any]) -> AnswerText:
    """Read the document of one row.

    Raises:
        KeyError: A field of the subject's answers is missing.
        TypeError: A field is no number.
        ValueError: The same.
    """
    if SUBJECT.task == "classification":
        probability = float(answer["probability"])
        no, yes = TARGET.categories or ("no", "yes")
        label = yes if answer[TARGET.name] else no
        certainty = f"probability of {yes} {probability:.1%}"
        return AnswerText(f"{TARGET.name}: {label}", certainty, 0 <= probability <= 1)
    interval = answer["interval_90"]
    if SCALED:
        ends = (f"lower_{SCALED.suffix}", f"upper_{SCALED.suffix}")
        value, lower, upper = answer[SCALED.name], *(interval[end] for end in ends)
        texts = [f"{SCALED.sign}{number:,.0f}" for number in (value, lower, upper)]
    else:
        value, lower, upper = answer[TARGET.name], interval["lower"], interval["upper"]
        texts = [amount(number) for number in (value, lower, upper)]
    certainty = f"90 % between {texts[1]} and {texts[2]}"
    return AnswerText(texts[0], certainty, lower <= value <= upper)
