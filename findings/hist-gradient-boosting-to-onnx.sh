#!/bin/sh
# skl2onnx: HistGradientBoosting with categories or a log link is converted without an error, and wrong
#
# Guessed: what the converter does not know, it refuses.
# Seen: categories are compared as numbers (R2 falls from 1.0 to .05 here); Poisson and gamma losses answer the logarithm.
# Because of it: the job proves every graph against the fitted model on every row (`graph/parity.py`), and writes its trees itself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 protobuf==6.33.6
exec "$folder/venv/bin/python" -W ignore::FutureWarning - <<'PYTHON'
import numpy as np
import onnxruntime
import skl2onnx
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score
from skl2onnx import to_onnx

print("scikit-learn", sklearn.__version__, "skl2onnx", skl2onnx.__version__)
random = np.random.default_rng(0)
kind = random.integers(0, 12, 4_000)
rows = np.column_stack([kind, random.normal(size=4_000)]).astype(np.float32)


def answers(model):
    graph = to_onnx(model, rows[:1])
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: rows})[0].ravel()


target = random.normal(size=12)[kind] * 3 + rows[:, 1]
model = HistGradientBoostingRegressor(categorical_features=[0], random_state=0).fit(rows, target)
fitted, graph = r2_score(target, model.predict(rows)), r2_score(target, answers(model))
print(f"a category of twelve: R2 {fitted:.3f} fitted, {graph:.3f} as ONNX")
assert fitted > 0.99 and graph < 0.5, "categories have changed"
for loss in ("poisson", "gamma"):
    model = HistGradientBoostingRegressor(loss=loss, random_state=0)
    model.fit(rows, np.exp(rows[:, 1]) + 0.01)
    found = answers(model)
    off = np.abs(found - model.predict(rows)).max()
    off_log = np.abs(found - np.log(model.predict(rows))).max()
    print(f"loss {loss}: off by {off:.2f}, from the logarithm by {off_log:.1e}")
    assert off > 1 and off_log < 1e-4, f"{loss} has changed"
PYTHON
