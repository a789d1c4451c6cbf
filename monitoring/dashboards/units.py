"""Numbers as Grafana writes them, in the units that the dashboards use."""

from collections.abc import Callable

_TIMES = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")]
_SCALES = [(1e9, " B"), (1e6, " M"), (1e3, " K")]


def in_words(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit."""
    return _FORMATS[unit](value, decimals)


def _plain(value: float, decimals: int | None) -> str:
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.4g}"


def _scaled(value: float, decimals: int | None) -> str:
    for size, name in _SCALES:
        if abs(value) >= size:
            return f"{value / size:.3g}{name}"
    return _plain(value, decimals) if value else "0"


def _seconds(value: float, decimals: int | None) -> str:
    for size, name in _TIMES:
        if abs(value) >= size:
            return f"{_plain(value / size, decimals) if decimals else f'{value / size:.3g}'} {name}"
    return "0 s"


_FORMATS: dict[str, Callable[[float, int | None], str]] = {
    "none": _plain,
    "short": _scaled,
    "s": _seconds,
    "percentunit": lambda value, decimals: f"{_plain(value * 100, decimals)} %",
    "reqps": lambda value, decimals: f"{_scaled(value, decimals)} req/s",
    "rowsps": lambda value, decimals: f"{_scaled(value, decimals)} rows/s",
    "currencyUSD": lambda value, _decimals: f"${_scaled(value, 0)}",
    "suffix:x": lambda value, decimals: f"{_plain(value, decimals)}x",
}
UNITS = frozenset(_FORMATS)
