"""Operations: the table, their signatures, the built-in ones. Importing it does not import torch."""

from bsngraph.ops import builtin as _builtin  # noqa: F401  (fills the table)
from bsngraph.ops.signature import Argument, Operation, Shape, Value
from bsngraph.ops.table import EDGE_WORDS, OPERATIONS, operation

__all__ = ["EDGE_WORDS", "OPERATIONS", "Argument", "Operation", "Shape", "Value", "operation"]
