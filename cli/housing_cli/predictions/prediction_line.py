"""The log line of one prediction, as ``predict.telemetry.telemetry`` writes it."""

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from housing.schema import FEATURE_NAMES
from housing_cli.errors import UnreadableLineError

MESSAGE = "prediction"


def _complete(features: Mapping[str, float]) -> Mapping[str, float]:
    missing = [name for name in FEATURE_NAMES if name not in features]
    if missing:
        msg = f"{', '.join(missing)} missing"
        raise ValueError(msg)
    return features


class PredictionLine(BaseModel):
    """One prediction; prices are in $100,000, the interval is lower and upper."""

    model_config = ConfigDict(protected_namespaces=())

    request_id: str
    features: Annotated[dict[str, float], AfterValidator(_complete)]
    price: float
    interval: tuple[float, float]
    model_version: str
    stale: bool
    latency_ms: float
    cold_start: bool


def read_line(text: str) -> PredictionLine | None:
    """Return the prediction that a line of the log tells of, or None if it tells of none.

    Raises:
        UnreadableLineError: It tells of one, but not all that belongs to it.
    """
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("message") != MESSAGE:
        return None
    try:
        return PredictionLine.model_validate(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        msg = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UnreadableLineError(msg) from exc
