"""A subject is found by its name, and one that contradicts itself is refused with a sentence."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from housing.subject import Column, OtherHeader, Ratio, Subject, SubjectError, load
from housing.subject_check import check

_SIZE = Column(name="size", maximum=10, example=2)
_COLOUR = Column(name="colour", kind="category", categories=("red", "blue"), example=1)
_NEW = Column(name="new", kind="boolean", example=1)
_SUBJECT = Subject(
    name="bricks",
    title="Bricks",
    features=(_SIZE, _COLOUR, _NEW),
    target=Column(name="price", example=3),
)


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        (replace(_SUBJECT, name="my bricks"), "not a valid model name"),
        (replace(_SUBJECT, features=()), "no features"),
        (replace(_SUBJECT, features=(_SIZE, replace(_SIZE, name="Size"))), "two columns have the"),
        (replace(_SUBJECT, target=replace(_SIZE)), "two columns have the name size"),
        (replace(_SUBJECT, target=_NEW, features=(_SIZE,)), "the target of a regression is"),
        (replace(_SUBJECT, task="classification"), "the target of a classification is a boolean"),
        (replace(_SUBJECT, threshold=1.0), "the threshold 1 is not between"),
        (replace(_SUBJECT, target=replace(_SUBJECT.target, optional=True)), "price is optional"),
        (replace(_SUBJECT, target=replace(_SUBJECT.target, name="stale")), "a field of every"),
        (
            replace(_SUBJECT, features=(*_SUBJECT.features, replace(_SIZE, name="lower"))),
            "lower has the name of an output of the model",
        ),
        (
            replace(_SUBJECT, ratios=(Ratio(name="r", dividend="size", divisor="mass"),)),
            "ratio r needs a feature mass, which is not there",
        ),
        (
            replace(_SUBJECT, ratios=(Ratio(name="r", dividend="colour", divisor="size"),)),
            "ratio r needs a number, and colour is a category",
        ),
        (
            replace(
                _SUBJECT,
                headers=(OtherHeader(title="old", names=(), column_of={}, convert=dict),),
            ),
            "the header old has no column_of",
        ),
    ],
)
def test_a_subject_that_contradicts_itself_is_refused(subject: Subject, sentence: str) -> None:
    with pytest.raises(SubjectError, match=sentence):
        check(subject)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (replace(_SIZE, name=" size"), "spaces around it"),
        (replace(_SIZE, minimum=11), "minimum 11 is above its maximum 10"),
        (replace(_SIZE, example=12), "example 12 is outside"),
        (replace(_SIZE, kind="integer", example=1.5), "not a whole number"),
        (replace(_SIZE, tolerance=-1), "tolerance -1 is negative"),
        (replace(_SIZE, usual_minimum=3, usual_maximum=2), "usual minimum 3 is above 2"),
        (replace(_SIZE, categories=("a",)), "has categories, but its kind is number"),
        (replace(_SIZE, unknown="other"), "is for categories"),
        (replace(_NEW, example=2), "neither 0 nor 1"),
        (replace(_COLOUR, categories=()), "without categories"),
        (replace(_COLOUR, categories=("a", "a")), "'a' appears twice"),
        (replace(_COLOUR, categories=("a", " b")), "' b' is empty, or has spaces"),
        (replace(_COLOUR, example=2), "example 2 is not a position in its categories, 0 … 1"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(column: Column, sentence: str) -> None:
    with pytest.raises(SubjectError, match=f"column {column.name}: .*{sentence}"):
        check(replace(_SUBJECT, features=(column,)))


def test_a_sound_subject_passes() -> None:
    check(_SUBJECT)
    check(replace(_SUBJECT, task="classification", features=(_SIZE,), target=_NEW))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nobody", "there is no subject 'nobody'"), ("../x", "is not a valid subject name")],
)
def test_a_name_without_a_subject_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(SubjectError, match=sentence):
        load(name)


def test_a_subject_in_a_folder_of_the_user_is_found(tmp_path: Path) -> None:
    (tmp_path / "bricks").mkdir()
    (tmp_path / "bricks" / "__init__.py").write_text(
        "from housing.subject import Column, Subject\n"
        "SUBJECT = Subject(name='bricks', title='Bricks', features=(Column(name='a', example=1),),"
        " target=Column(name='b', example=2))\n"
    )
    environment = os.environ | {
        "HOUSING_SUBJECT": "bricks",
        "HOUSING_SUBJECTS_DIR": str(tmp_path),
        "PYTHONPATH": "layers/shared",
    }
    program = "from housing import schema; print(schema.CANONICAL_HEADER)"
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, env=environment, text=True
    ).stdout
    assert printed == "('a', 'b')\n"
