"""The training job: one program that turns an upload into a registered model version.

Its stages are those of ``housing.jobs.status.Stage``. The retrain function starts it and does
not import it.
"""
