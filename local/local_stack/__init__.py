"""The whole pipeline on one machine: no Docker, no AWS account, loopback only."""
