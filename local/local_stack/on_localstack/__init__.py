"""LocalStack as the endpoint: functions as processes, a gateway on loopback, a start program."""
