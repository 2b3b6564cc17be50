"""Families for photographs, at 96 to 224 pixels a side."""
