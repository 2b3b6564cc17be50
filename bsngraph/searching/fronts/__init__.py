"""Fronts: a network for each of many limits of a range, none better and cheaper."""
