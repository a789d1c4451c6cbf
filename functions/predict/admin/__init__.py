"""Rollback, promotion, exclusion of data, and the model's card."""
