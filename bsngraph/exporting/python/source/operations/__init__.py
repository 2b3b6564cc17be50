"""Operations → layers, classes and expressions of the source."""

# These modules fill the table of what is written otherwise than as one layer.
from bsngraph.exporting.python.source.operations import block_writers as _blocks  # noqa: F401
from bsngraph.exporting.python.source.operations import module_writers as _modules  # noqa: F401
