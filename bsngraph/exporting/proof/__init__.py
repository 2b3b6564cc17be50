"""export.json: that an exported folder does what the run's network does."""
