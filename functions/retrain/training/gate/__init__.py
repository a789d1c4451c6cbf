"""The gate: comparing champion and challenger, and acting on the verdict."""
