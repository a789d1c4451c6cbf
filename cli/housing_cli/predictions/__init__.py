"""Export predictions from the function's log to SQLite."""
