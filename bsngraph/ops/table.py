"""The table of operations: a name in a graph file → its signature and the builder of its module.

Adding an operation is one builder under `@operation` in `builtin.py` (or in a user's own file); its shape, MACs and parameters
need no formula, they are counted on the module itself (`profile.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bsngraph.ops.signature import Operation, read_signature

OPERATIONS: dict[str, Operation] = {}

# Words that mean something else on an edge, so no operation may have an argument of that name.
EDGE_WORDS = frozenset({"op", "fixed", "probability", "key", "gate", "choice", "concat_offset"})

EDGE_PREFIXES = ("cost_", "computed_")

_Builder = TypeVar("_Builder", bound=Callable[..., Any])


def operation(name: str) -> Callable[[_Builder], _Builder]:
    """Register `builder(shape, *, …) -> nn.Module` as the operation `name`.

    ```python
    @operation("scale")
    def scale(shape, *, factor: float = 2.0):
        "Multiply by a constant."
        return Scale(factor)
    ```

    Raises:
        ValueError: the name is taken, or an argument bears a name that means something else on an edge.
        TypeError: the signature cannot be read (see `read_signature`).
    """

    def register(builder: _Builder) -> _Builder:
        entry = read_signature(name, builder)
        if name in OPERATIONS:
            raise ValueError(f"operation {name!r} exists already: give yours another name")
        clash = sorted(word for word in entry.arguments if word in EDGE_WORDS or word.startswith(EDGE_PREFIXES))
        if clash:
            raise ValueError(f"operation {name!r}: {', '.join(clash)} cannot be an argument, it means something else on an edge")
        OPERATIONS[name] = entry
        return builder

    return register
