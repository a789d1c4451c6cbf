"""The quick check of whole columns and pydantic's own: what one takes, the other takes as it is."""

import json
from typing import Any

import numpy as np
import pytest

from housing.schema import FEATURE_NAMES, FEATURES
from predict.errors import RequestError
from predict.scoring import validation

ROW: dict[str, Any] = {column.name: column.example for column in FEATURES}
LIMIT = 3


def by_pydantic(body: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(validation, "_screened", lambda *_: None)
        return validation.from_json(body, LIMIT).tolist()


def body_of(*rows: Any) -> bytes:
    return json.dumps({"instances": rows}).encode()


GOOD = {
    "one": body_of(ROW),
    "turned": body_of(dict(reversed(ROW.items()))),
    "integers": body_of({**ROW, "MedInc": 8, "Population": 10}),
    "lowest": body_of({column.name: column.minimum for column in FEATURES}),
    "highest": body_of({column.name: column.maximum for column in FEATURES}),
    "as many as may be": body_of(*[ROW] * LIMIT),
    "none": body_of(),
    "blanks": b" \n" + body_of(ROW).replace(b":", b" : "),
}
ODD: dict[str, Any] = {
    "text": "3",
    "true": True,
    "null": None,
    "list": [1],
    "row": ROW,
    "large": 10**30,
    "infinite": float("inf"),
    "nan": float("nan"),
    "low": -1e-9,
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_body_passes_the_quick_check_with_the_values_of_the_slow_one(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = validation._screened(GOOD[case], LIMIT)

    assert quick is not None
    assert quick.shape == (len(json.loads(GOOD[case])["instances"]), len(FEATURES))
    assert quick.tolist() == by_pydantic(GOOD[case], monkeypatch)


BAD = {
    **{name: body_of(ROW, {**ROW, "MedInc": value}) for name, value in ODD.items()},
    "too many": body_of(*[ROW] * (LIMIT + 1)),
    "unknown": body_of({**ROW, "Rooms": 1}),
    "missing": body_of({name: ROW[name] for name in FEATURE_NAMES[1:]}),
    "one for another": body_of({**{name: ROW[name] for name in FEATURE_NAMES[1:]}, "a": 1}),
    "beside": json.dumps({"instances": [ROW], "more": 1}).encode(),
    "row that is a list": body_of(list(ROW.values())),
    "row that is a text": body_of("MedInc"),
    "empty object": b'{"instances": {}}',
    "empty text": b'{"instances": ""}',
    "null": b'{"instances": null}',
    "list": b"[]",
    "text": b'"instances"',
    "no json": b"instances",
    "broken utf-8": body_of(ROW) + b"\xff",
    "twice": body_of(ROW).replace(b'"MedInc"', b'"MedInc": 1, "MedInc"'),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_passes_neither(case: str) -> None:
    assert validation._screened(BAD[case], LIMIT) is None
    with pytest.raises(RequestError):
        validation.from_json(BAD[case], LIMIT)


FAULTY = {
    **{name: body_of(ROW, {**ROW, "MedInc": value, "x": value}) for name, value in ODD.items()},
    **{name: BAD[name] for name in BAD if name not in ("twice", "beside")},
    "rows of all kinds": body_of(*[value for value in ODD.values() if value != ROW][:LIMIT]),
    "rows that are none": body_of(*[[]] * LIMIT),
    "many": body_of(*[{"a": 1, "b": {}, "MedInc": [], "HouseAge": -1}] * LIMIT),
    "rows under another name": json.dumps({"rows": [ROW]}).encode(),
}


@pytest.mark.parametrize("case", FAULTY)
def test_piece_by_piece_the_same_is_found_wrong(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError) as whole:
        validation.from_json(FAULTY[case], LIMIT)
    monkeypatch.setattr(validation, "_MOST_FAULTS_AT_ONCE", -1)
    monkeypatch.setattr(validation, "_ROWS_AT_ONCE", 2)

    with pytest.raises(RequestError) as pieces:
        validation.from_json(FAULTY[case], LIMIT)

    assert str(pieces.value) == str(whole.value)
    assert getattr(pieces.value, "errors", ()) == getattr(whole.value, "errors", ())


def test_no_random_body_passes_only_the_quick_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    taken = 0
    for _ in range(500):
        row = dict(ROW)
        for name in random.choice(FEATURE_NAMES, random.integers(0, 3)):
            row[name] = list(ODD.values())[random.integers(len(ODD))]
        for name in random.choice(FEATURE_NAMES, random.integers(0, 2)):
            row.pop(name, None)
        body = body_of(ROW, row)
        quick = validation._screened(body, LIMIT)
        if quick is not None:
            taken += 1
            assert quick.tolist() == by_pydantic(body, monkeypatch)

    assert taken > 50
