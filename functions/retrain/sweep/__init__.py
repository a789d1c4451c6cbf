"""What the schedule is for: jobs that died, and uploads whose event never came, are started."""
