"""Who asks AWS for what: the table of calls, what the template allows, and what tests record."""
