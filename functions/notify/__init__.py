"""The notify function: posts the messages of the alert topic to Slack."""
