"""YACE, Prometheus and Alertmanager beside the stack: start, configuration, health."""
