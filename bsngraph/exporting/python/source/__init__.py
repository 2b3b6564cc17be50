"""A delivered network → the text of its `model.py`."""

# These modules fill the table of what is written otherwise than as one layer.
from bsngraph.exporting.python.source import block_writers as _blocks  # noqa: F401
from bsngraph.exporting.python.source import module_writers as _modules  # noqa: F401
