"""A delivered network → the text of its `model.py`."""
