"""The retrain function: an upload becomes a training job."""
