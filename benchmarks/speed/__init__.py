"""Milliseconds and bytes of what bsngraph does."""
