"""The costs of a built network, counted on the network itself and not from the sums
over edges that a search goes by.

In: a delivered network. Out: numbers. MACs are what torch's formulas for flops give for
one pass of the whole network on the meta device, `memory` is the most bytes of tensors
alive during such a pass, parameters and bytes are those of its state.

Only what gives tensors their shapes is shared with the counts of a search: stand-ins
for operators, which spare the pass torch's compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from bsngraph.ops.counting.stand_ins import STAND_INS, run_operator
from bsngraph.ops.counting.without_compiler import OperatorWatch, Unfilled
from bsngraph.profile import FabricProfile
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.supernet.supernet import Inputs


def count_macs(profile: FabricProfile) -> int:
    """Multiply-accumulates of one example's pass through the whole network."""
    counter = _Flops()
    with _on_meta(profile) as (net, inputs), counter:
        net(inputs)
    return counter.flops // 2


def count_params(net: SuperNet) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters())


def count_bytes(net: SuperNet) -> int:
    """Bytes of parameters and buffers as they are stored; what two names share counts
    once.
    """
    distinct = {id(tensor): tensor for tensor in net.state_dict(keep_vars=True).values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in distinct.values())


def count_memory(profile: FabricProfile) -> int:
    """The most bytes of tensors alive at once in one example's pass, inputs included
    and weights not.
    """
    with _on_meta(profile) as (net, inputs):
        alive = _Alive(inputs)
        with alive:
            net(inputs)
    return alive.peak


@contextmanager
def _on_meta(profile: FabricProfile) -> Iterator[tuple[SuperNet, Inputs]]:
    """The network and one example without memory or arithmetic, and everything made
    meanwhile like them.
    """
    with torch.device("meta"), torch.no_grad():
        with Unfilled():
            net = compile_fabric(profile).eval()
        fabric = profile.fabric
        shapes = {
            name: profile.node_shapes[node]
            for name, node in zip(fabric.sources, fabric.source_indices, strict=True)
        }
        values = {name: torch.empty(1, *shape) for name, shape in shapes.items()}
        yield net, values if len(values) > 1 else next(iter(values.values()))


class _Flops(OperatorWatch):  # type: ignore[no-untyped-call]  # torch does not type it
    """Torch's formulas for all operators that have one; others are taken apart, if they
    can be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        formula = flop_registry.get(func._overloadpacket)
        if formula is None and func not in STAND_INS and func is not torch.ops.prim.device.default:
            with self:
                parts = func.decompose(*args, **given)
            if parts is not NotImplemented:
                return parts
        result = run_operator(func, args, given)
        if formula is not None:
            self.flops += formula(*args, **given, out_val=result)
        return result


class _Alive(OperatorWatch):  # type: ignore[no-untyped-call]  # torch does not type it
    """The storages that operators give and take, but for weights, with their bytes;
    each is forgotten when torch has freed it.
    """

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.peak = 0
        self.sizes: dict[StorageWeakRef, int] = {}
        self._note(inputs)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_reference(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        result = run_operator(func, args, kwargs or {})
        self._note(result, given - self.sizes.keys())
        return result

    def _note(
        self, tree: Any, weights: set[StorageWeakRef] | frozenset[StorageWeakRef] = frozenset()
    ) -> None:
        for leaf in tree_leaves(tree):
            if isinstance(leaf, Tensor):
                reference = _reference(leaf)
                if reference not in weights:
                    self.sizes[reference] = leaf.untyped_storage().nbytes()
        self.sizes = {reference: size for reference, size in self.sizes.items() if not reference.expired()}  # type: ignore[no-untyped-call]
        self.peak = max(self.peak, sum(self.sizes.values()))


def _reference(tensor: Tensor) -> StorageWeakRef:
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
