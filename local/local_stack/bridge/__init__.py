"""The service that makes metrics of log lines, as CloudWatch does on AWS."""
