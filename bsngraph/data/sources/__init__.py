"""Loaders: a request in, a Dataset out; `data_sources.py` has a row for each."""
