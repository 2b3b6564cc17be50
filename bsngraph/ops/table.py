"""The table of operations: a name in a graph file → its signature and builder.

Adding an operation is one builder under `@operation` (our own: `images.py`,
`resizing.py`, `tokens.py`, `vectors.py`); its shape, MACs and parameters need no
formula, they are counted on the module itself (`profile.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar

from bsngraph.ops.signature import Operation, read_signature

OPERATIONS: dict[str, Operation] = {}

# Before the first of the user's operations: seconds since the epoch.
REGISTERED_SINCE = time.time()

# Words that mean something else on an edge, so no operation may have an argument of
# that name.
EDGE_WORDS = frozenset({"op", "fixed", "probability", "key", "gate", "choice", "concat_offset"})

EDGE_PREFIXES = ("cost_", "computed_")
TORCH_PREFIX = "nn."

_NAME = re.compile(r"[^\W\d][\w.-]*")
_origin: ContextVar[str | None] = ContextVar("origin", default=None)

_Builder = TypeVar("_Builder", bound=Callable[..., Any])


def operation(name: str) -> Callable[[_Builder], _Builder]:
    """Register an operation under `name`: a function that builds it, or a Module class.

    Either takes the incoming shape of one example, then keyword-only arguments with
    types (bool, int, float, str, Literal of strings), which become words of an edge:

    ```python
    @operation("scale")
    def scale(shape, *, factor: float = 2.0):  # an nn.Module, or a function
        "Multiply by a constant."
        return lambda x: factor * x


    @operation("gated")
    class Gated(nn.Module):
        def __init__(self, shape, *, channels: int = 8): ...
    ```

    Shape, MACs and parameters are found by running it on torch's meta device, so
    neither the builder nor `forward` may look at values. Defining it again from the
    same place (a notebook's cell, a reloaded module) replaces it.

    Raises:
        ValueError: the name is taken or invalid, or an argument's name means something
            else on an edge.
        TypeError: the signature cannot be read (see `read_signature`).
    """
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(f'operation {name!r}: a name is letters, digits, "_", "-" and ".", a letter first')

    def register(builder: _Builder) -> _Builder:
        origin = _origin.get()
        entry = replace(
            read_signature(name, builder), origin=_place(builder)[0] if origin is None else origin
        )
        clash = sorted(
            word for word in entry.arguments if word in EDGE_WORDS or word.startswith(EDGE_PREFIXES)
        )
        if clash:
            raise ValueError(
                f"operation {name!r}: {', '.join(clash)} cannot be an argument, it means something else "
                "on an edge"
            )
        taken = OPERATIONS.get(name)
        if name.startswith(TORCH_PREFIX) or (taken is not None and not taken.origin):
            raise ValueError(f"operation {name!r} is built in: give yours another name")
        if taken is not None and _place(taken.builder) != _place(builder):
            raise ValueError(f"operation {name!r} exists already in {taken.origin}: give yours another name")
        OPERATIONS[name] = entry
        return builder

    return register


@contextmanager
def registering_from(origin: str) -> Iterator[None]:
    """Give what is registered meanwhile the origin `origin`.

    If it fails, nothing stays registered.
    """
    before = dict(OPERATIONS)
    token = _origin.set(origin)
    try:
        yield
    except BaseException:
        OPERATIONS.clear()
        OPERATIONS.update(before)
        raise
    finally:
        _origin.reset(token)


def _place(builder: Callable[..., Any]) -> tuple[str, str]:
    """Where a builder is defined."""
    return getattr(builder, "__module__", None) or "python", getattr(builder, "__qualname__", repr(builder))
