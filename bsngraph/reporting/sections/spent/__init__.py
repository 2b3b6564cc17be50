"""What a network spends: by edge, by resolution, on cores."""
