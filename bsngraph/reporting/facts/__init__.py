"""Run folders → what the page tells of them, typed and checked."""
