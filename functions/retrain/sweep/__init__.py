"""Scheduled sweep: restart dead jobs and start jobs for uploads whose event was lost."""
