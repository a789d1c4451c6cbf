"""The notify function: what is put on the alert topic is posted to Slack."""
