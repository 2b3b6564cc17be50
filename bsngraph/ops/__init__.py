"""Operations: the table, their signatures, our own ones and torch.nn's. Importing it does not import torch."""

from bsngraph.ops.signature import Argument, Bounds, Operation, Shape, Value
from bsngraph.ops.table import EDGE_WORDS, OPERATIONS, operation, registering_from

with registering_from(""):  # these modules fill the table
    from bsngraph.ops import images as _images  # noqa: F401
    from bsngraph.ops import resizing as _resizing  # noqa: F401
    from bsngraph.ops import tokens as _tokens  # noqa: F401
    from bsngraph.ops import torch_nn as _torch_nn  # noqa: F401
    from bsngraph.ops import vectors as _vectors  # noqa: F401

from bsngraph.ops.load import load_operations

__all__ = [
    "EDGE_WORDS",
    "OPERATIONS",
    "Argument",
    "Bounds",
    "Operation",
    "Shape",
    "Value",
    "load_operations",
    "operation",
]
