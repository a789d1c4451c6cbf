"""Names of the project's metrics, the same in code, template, exporter and dashboards."""

NAMESPACE = "CaliforniaHousing"
SERVICE_DIMENSION = "service"

PREDICTION_REQUESTS = "PredictionRequests"
PREDICTION_SUCCESS = "PredictionSuccess"
PREDICTION_ERRORS = "PredictionErrors"
PREDICTION_LATENCY = "PredictionLatency"
MODEL_STALENESS = "ModelStaleness"
COLD_START = "ColdStart"
ROWS_PREDICTED = "RowsPredicted"
UPLOADS_RECEIVED = "UploadsReceived"
JOBS_STARTED = "JobsStarted"
