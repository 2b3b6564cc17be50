"""Commands that write run folders."""
