"""What a delivered network is proved by."""
