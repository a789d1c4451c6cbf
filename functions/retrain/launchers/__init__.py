"""Job launchers: AWS Batch, or processes on this machine."""
