"""LocalStack as the endpoint: functions as processes, a gateway on loopback, and who starts it."""
