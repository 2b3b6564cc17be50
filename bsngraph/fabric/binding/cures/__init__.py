"""Cures that name the right place, in the words of the file at hand."""
