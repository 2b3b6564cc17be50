"""What running a module allocates.

Counted are the bytes of the tensors alive at once, and of those that a result keeps
alive.

In: anything that runs torch. Out: a `Usage`. Tensors are told by their storages: what
is only another view of an input, a parameter, or a tensor counted already is not
counted again. Memory that a kernel of torch uses inside itself is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from bsngraph.ops.counting.stand_ins import run_operator
from bsngraph.ops.counting.without_compiler import OperatorWatch


class Usage(OperatorWatch):  # type: ignore[no-untyped-call]  # torch does not type it
    """The storages made while it is active.

    `peak` is the most bytes of them alive at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._made: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = _storages((args, kwargs))
        result = run_operator(func, args, kwargs or {})
        self._made.update(_storages(result) - given)
        self.peak = max(self.peak, sum(storage.nbytes() for storage in self._made))
        return result

    def held_by(self, tensor: Tensor) -> int:
        """The bytes that a tensor keeps alive; 0 if they were there before."""
        storage = tensor.untyped_storage()
        return storage.nbytes() if storage in self._made else 0


def _storages(tree: Any) -> set[torch.UntypedStorage]:
    return {leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)}


@contextmanager
def measuring() -> Iterator[Usage]:
    """OperatorWatch what runs meanwhile."""
    with Usage() as usage:
        yield usage
