"""Operations: the table, their signatures, our own ones and torch.nn's.

Importing this package does not import torch.
"""

from bsngraph.ops.signature import Argument, Bounds, Operation, Shape, Value
from bsngraph.ops.table import EDGE_WORDS, OPERATIONS, operation, registering_from

with registering_from(""):  # these modules fill the table
    from bsngraph.ops.builders import image_operations as _images  # noqa: F401
    from bsngraph.ops.builders import resizing_operations as _resizing  # noqa: F401
    from bsngraph.ops.builders import token_operations as _tokens  # noqa: F401
    from bsngraph.ops.builders import vector_operations as _vectors  # noqa: F401
    from bsngraph.ops.torch_nn import torch_classes as _torch_nn  # noqa: F401

from bsngraph.ops.user_code.operations_file import load_operations

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
