#!/bin/sh
# MLflow: its onnx flavour cannot score a table with texts, as pandas 3 reads it from a CSV
#
# Guessed: a logged ONNX model with an input of texts, and a signature that says so, scores what read_csv returns.
# Seen: the signature accepts the column; ONNX Runtime then refuses pandas' own type of texts. As objects they are scored.
# Because of it: models of tables with categories have a loader of their own for pyfunc, housing_table.py.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 pandas==3.1.1 onnx==1.23.2 onnxruntime==1.32.0
cat > "$folder/texts.py" <<'PYTHON'
import io
import os
import pathlib
import sys

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow
import mlflow.onnx
import onnx
import onnxruntime
import pandas
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1])
columns = {"cut": TensorProto.STRING, "carat": TensorProto.FLOAT}
nodes = [
    helper.make_node("LabelEncoder", ["cut"], ["code"], domain="ai.onnx.ml", keys_strings=["Fair", "Ideal"], values_floats=[1.0, 2.0]),
    helper.make_node("Add", ["code", "carat"], ["price"]),
]
inputs = [helper.make_tensor_value_info(name, kind, ["n"]) for name, kind in columns.items()]
outputs = [helper.make_tensor_value_info("price", TensorProto.FLOAT, ["n"])]
opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs), opset_imports=opsets, ir_version=9)
onnx.checker.check_model(model)
signature = ModelSignature(Schema([ColSpec("string", "cut"), ColSpec("double", "carat")]), Schema([ColSpec("float", "price")]))
mlflow.onnx.save_model(model, str(folder / "model"), signature=signature)
loaded = mlflow.pyfunc.load_model(str(folder / "model"))
table = pandas.read_csv(io.StringIO("cut,carat\nFair,0.5\nIdeal,0.25\n"))
print("mlflow", mlflow.__version__, "pandas", pandas.__version__, "onnxruntime", onnxruntime.__version__)
try:
    print(loaded.predict(table))
except Exception as error:
    refusal = f"{type(error).__name__}: {error}"
else:
    refusal = ""
print(f"texts of type {table['cut'].dtype}: {refusal[:200]}")
objects = loaded.predict(table.astype({"cut": object}))["price"].tolist()
print(f"as objects: {objects}")
assert objects == [1.5, 2.25]
assert refusal, "it has changed"
PYTHON
"$folder/venv/bin/python" "$folder/texts.py" "$folder"
