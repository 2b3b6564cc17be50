"""Commands that use what a run delivered."""
