"""Who starts training jobs: AWS Batch, or this machine."""
