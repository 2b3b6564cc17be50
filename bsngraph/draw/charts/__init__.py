"""Charts of a run and of schedules, by matplotlib."""
