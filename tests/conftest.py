"""Holds for all tests: MLflow's client, where a test uses it, reports nothing to anybody.

Its telemetry is a thread that changes the environment, which breaks whoever reads that meanwhile.
"""

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # MLflow reads it when it is imported
