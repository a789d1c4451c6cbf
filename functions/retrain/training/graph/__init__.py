"""The fitted model as one ONNX graph."""
