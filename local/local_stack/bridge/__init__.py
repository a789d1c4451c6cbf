"""The service that extracts metrics from log lines, as CloudWatch does on AWS."""
