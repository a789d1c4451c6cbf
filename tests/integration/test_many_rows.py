"""Many rows in one request, through the deployed API."""

import pandas as pd
import pytest

from housing.schema import FEATURE_NAMES, FEATURES
from integration.running_stack import RunningStack
from subjects.california.sample import generate

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}


def test_a_batch_of_json_and_one_of_csv_get_the_same_prices(stack: RunningStack) -> None:
    rows = generate(rows=200, seed=8)[list(FEATURE_NAMES)]

    with stack.api() as api:
        as_json = api.post("/predict/batch", json={"instances": rows.to_dict("records")})
        as_csv = api.post(
            "/predict/batch",
            content=rows.to_csv(index=False),
            headers={"content-type": "text/csv"},
        )

    predictions = as_json.raise_for_status().json()["predictions"]
    lines = as_csv.raise_for_status().text.splitlines()
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert len(predictions) == len(lines) - 1 == 200
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert float(first["MedHouseVal"]) == pytest.approx(predictions[0]["MedHouseVal"])


def test_mlflows_scoring_protocol_answers_with_the_numbers_of_predict(
    stack: RunningStack,
) -> None:
    split = pd.DataFrame([EXAMPLE]).to_dict("split")

    with stack.api() as api:
        one = api.post("/predict", json=EXAMPLE).raise_for_status().json()
        same = api.post("/invocations", json={"dataframe_split": split}).raise_for_status().json()
        version = api.get("/version").raise_for_status().text

    assert version
    assert same["predictions"][0]["price"] == pytest.approx(one["MedHouseVal"], abs=1e-5)
