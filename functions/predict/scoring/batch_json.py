"""JSON of the usual rows of a batch, as one matrix of bytes: copies of a line with digits put in.

Formatting seven numbers a row as strings takes seven times as long for 1,000 rows. Numbers have
fixed places here: ``4.500000`` for 4.5, and a space before ``98325.49``; JSON parsers read the same
numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from housing.schema import DOLLARS_PER_UNIT

Numbers = NDArray[np.float64]
_LEAST_PRICE, _MOST_PRICE = 0.001, 9.999999
_MOST_KM = 999.9
_MILLIONTHS, _CENTS, _TENTHS = 1_000_000, DOLLARS_PER_UNIT * 100, 10
_PRICE, _DOLLARS, _KM = b"0.000000", b"000000.00", b"000.0"
_LINE = (
    b'{"MedHouseVal":%b,"price_usd":%b,'
    b'"interval_90":{"lower":%b,"upper":%b,"lower_usd":%b,"upper_usd":%b},'
    b'"nearest_training_km":%b,"warnings":[]},'
)


class PlainRows(NamedTuple):
    """Written rows."""

    fits: NDArray[np.bool_]
    """``[n]``: whether a row's numbers fit into its line; other lines are wrong."""
    lines: memoryview
    """n lines, each ``width`` bytes with a comma at its end."""
    width: int


def written(prices: Sequence[Numbers], nearest_km: Numbers | None) -> PlainRows:
    """Write rows without warnings.

    Args:
        prices: Price, lower and upper, ``[n]`` each, in $100,000.
        nearest_km: Distance to the nearest training row, ``[n]``, if the model has the output.
    """
    fits = np.ones(len(prices[0]), np.bool_)
    for column in prices:
        fits &= (column >= _LEAST_PRICE) & (column <= _MOST_PRICE)
    if nearest_km is not None:
        fits &= (nearest_km >= 0) & (nearest_km <= _MOST_KM)
    text, fields = _WITHOUT_KM if nearest_km is None else _WITH_KM
    lines = np.empty((len(fits), len(text)), np.uint8)
    lines[:] = text
    places = lines.view(fields)[:, 0]
    for name, column in zip(("price", "lower", "upper"), prices, strict=True):
        # The product of a float32 and this factor is exact in float64.
        known = np.where(fits, column, 1.0)
        units, rest = _parts(known * _MILLIONTHS, 10_000)
        places[f"{name}_d.dd"] = _ONE_AND_TWO[units]
        places[f"{name}_dddd"] = _FOUR[rest]
        hundreds, rest = _parts(known * _CENTS, 10_000)
        dollars, cents = np.divmod(rest, 100)
        places[f"{name}_usd_dddd"] = _FOUR_SPACED[hundreds]
        places[f"{name}_usd_dd"] = _TWO[dollars]
        places[f"{name}_usd_cc"] = _TWO[cents]
    if nearest_km is not None:
        km, tenths = _parts(np.where(fits, nearest_km, 0.0) * _TENTHS, 10)
        places["km_ddd."] = _THREE_SPACED_AND_POINT[km]
        places["km_d"] = _ONE[tenths]
    return PlainRows(fits, lines.reshape(-1).data, len(text))


def _parts(numbers: Numbers, divisor: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.divmod(np.rint(numbers).astype(np.int32), divisor)


def _texts(
    digits: int, kind: str, *, spaced: bool = False, point: int | None = None
) -> NDArray[Any]:
    """Return the texts of all numbers of ``digits`` digits, each as one integer of its bytes.

    Args:
        digits: Digits of a number.
        kind: NumPy type of the integer.
        spaced: Whether leading zeros are spaces; the last digit stays.
        point: Index of the digit after the decimal point, if there is one.
    """
    powers = 10 ** np.arange(digits, dtype=np.uint16)[::-1]
    numbers = np.arange(10**digits, dtype=np.uint16)[:, np.newaxis]
    texts = numbers // powers % 10 + ord("0")
    if spaced:
        texts[:, :-1][numbers < powers[:-1]] = ord(" ")
    if point is not None:
        texts = np.insert(texts, point, ord("."), axis=1)
    return texts.astype(np.uint8).view(kind)[:, 0]


_ONE = _texts(1, "u1")
_TWO = _texts(2, "<u2")
_FOUR = _texts(4, "<u4")
_FOUR_SPACED = _texts(4, "<u4", spaced=True)
_ONE_AND_TWO = _texts(3, "<u4", point=1)
_THREE_SPACED_AND_POINT = _texts(3, "<u4", spaced=True, point=3)


def _line(nearest: bytes) -> tuple[NDArray[np.uint8], np.dtype[Any]]:
    """Return the line to be copied, and the places of its digits."""
    numbers = [_PRICE, _DOLLARS, _PRICE, _PRICE, _DOLLARS, _DOLLARS, nearest]
    at, starts = 0, []
    for before, number in zip(_LINE.split(b"%b"), [*numbers, b""], strict=True):
        at += len(before)
        starts.append(at)
        at += len(number)
    price, price_usd, lower, upper, lower_usd, upper_usd, km, _ = starts
    fields: dict[str, tuple[str, int]] = {}
    for name, start, usd in (
        ("price", price, price_usd),
        ("lower", lower, lower_usd),
        ("upper", upper, upper_usd),
    ):
        fields[f"{name}_d.dd"] = ("<u4", start)
        fields[f"{name}_dddd"] = ("<u4", start + 4)
        fields[f"{name}_usd_dddd"] = ("<u4", usd)
        fields[f"{name}_usd_dd"] = ("<u2", usd + 4)
        fields[f"{name}_usd_cc"] = ("<u2", usd + 7)
    if nearest == _KM:
        fields |= {"km_ddd.": ("<u4", km), "km_d": ("u1", km + 4)}
    layout = {
        "names": list(fields),
        "formats": [kind for kind, _ in fields.values()],
        "offsets": [offset for _, offset in fields.values()],
        "itemsize": at,
    }
    return np.frombuffer(_LINE % tuple(numbers), np.uint8), np.dtype(layout)  # type: ignore[call-overload]


_WITH_KM = _line(_KM)
_WITHOUT_KM = _line(b"null")
