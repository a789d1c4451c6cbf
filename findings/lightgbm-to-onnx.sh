#!/bin/sh
# onnxmltools: three kinds of LightGBM models are converted without an error, and wrong
#
# Guessed: what the converter does not know, it refuses.
# Seen: linear_tree loses its linear leaves, rf is a sum in place of a mean, zero_as_missing sends zeros elsewhere.
# Because of it: the job writes its trees itself, and proves every graph on every row (`graph/parity.py`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 onnxmltools==1.16.0 scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0
exec "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lightgbm
import numpy as np
import onnxmltools
import onnxruntime
from onnxmltools.convert.common.data_types import FloatTensorType

print("lightgbm", lightgbm.__version__, "onnxmltools", onnxmltools.__version__)
random = np.random.default_rng(0)
rows = random.normal(size=(3_000, 4)).astype(np.float32)
rows[random.random(rows.shape) < 0.2] = 0
target = 2 * rows[:, 0] + np.sin(2 * rows[:, 1]) + 1.5 * (rows[:, 2] == 0)
kinds = {
    "plain": ({}, True),
    "dart": ({"boosting_type": "dart"}, True),
    "linear_tree": ({"linear_tree": True}, False),
    "rf": ({"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, False),
    "zero_as_missing": ({"zero_as_missing": True}, False),
}
for name, (options, is_right) in kinds.items():
    model = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1, **options).fit(rows, target)
    graph = onnxmltools.convert_lightgbm(model, initial_types=[("x", FloatTensorType([None, 4]))])
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    answers = session.run(None, {"x": rows})[0].ravel()
    off = np.abs(answers - model.predict(rows)).max()
    print(f"{name}: off by up to {off:.2g}")
    assert (off < 1e-4) == is_right, f"{name} has changed"
PYTHON
