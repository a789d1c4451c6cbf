"""MLflow runs, model cards and figures."""
