"""Rollback, promotion, and the model's card."""
