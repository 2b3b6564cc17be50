"""Counting: torch's formulas for flops, and the names of the operators without one.

MACs are those of convolutions and matrix products, as in the literature. Operators of
which each value needs a few additions or comparisons, or none, are known to be free
(`FREE`). Any other operator that runs is named, never silently zero. This holds on the
meta device, where attention and recurrent layers fall apart into matrix products; on a
CPU they are single operators without a formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from bsngraph.ops.counting.stand_ins import STAND_INS, run_operator
from bsngraph.ops.counting.without_compiler import OperatorWatch

_MOVING = """
    _reshape_alias _to_copy _unsafe_index _unsafe_view alias as_strided cat channel_shuffle clone
    col2im constant_pad_nd copy detach diagonal expand flip gather im2col index index_select
    lift_fresh native_channel_shuffle permute pixel_shuffle pixel_unshuffle reflection_pad1d
    reflection_pad2d reflection_pad3d repeat replication_pad1d replication_pad2d replication_pad3d
    roll select slice split split_with_sizes squeeze stack t transpose tril triu unbind unfold
    unsafe_split unsafe_split_with_sizes unsqueeze view
"""
_MAKING = """
    arange bernoulli empty empty_like empty_strided eye fill full full_like linspace new_empty
    new_empty_strided new_full new_ones new_zeros normal ones ones_like rand rand_like randn
    randn_like scalar_tensor uniform zero zeros zeros_like
"""
_ELEMENTWISE = """
    abs acos add addcdiv addcmul asin atan atan2 bitwise_and bitwise_not bitwise_or bitwise_xor ceil
    clamp clamp_max clamp_min copysign cos cosh div eq erf erfc exp exp2 expm1 floor floor_divide
    fmax fmin fmod frac ge gt heaviside hypot isfinite isinf isnan le lerp log log10 log1p log2
    logical_and logical_not logical_or logical_xor logit lt masked_fill maximum minimum mul
    nan_to_num ne neg pow reciprocal remainder round rsqrt rsub sgn sigmoid sign sin sinc sinh sqrt
    square sub tan tanh trunc where xlogy
"""
_ACTIVATIONS = """
    _log_softmax _prelu_kernel _safe_softmax _softmax celu elu gelu glu hardshrink hardsigmoid
    hardswish hardtanh leaky_relu log_sigmoid_forward mish native_dropout prelu relu relu6
    rrelu_with_noise selu silu softplus softshrink threshold
"""
_NORMS_AND_REDUCTIONS = """
    _batch_norm_no_update _batch_norm_with_update _fused_rms_norm _native_batch_norm_legit
    _native_batch_norm_legit_no_training all amax amin any argmax argmin cumprod cumsum
    linalg_vector_norm logsumexp max mean min native_batch_norm native_group_norm native_layer_norm
    norm prod std std_mean sum var var_mean
"""
_RESIZING = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d adaptive_avg_pool1d adaptive_max_pool2d adaptive_max_pool3d avg_pool2d
    avg_pool3d max_pool2d_with_indices max_pool3d_with_indices upsample_bicubic2d
    upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d
"""
FREE = frozenset(
    "".join((_MOVING, _MAKING, _ELEMENTWISE, _ACTIVATIONS, _NORMS_AND_REDUCTIONS, _RESIZING)).split()
)


@dataclass
class OperatorCount:
    """Multiply–accumulates, and the operators that could not be counted, by name."""

    macs: int = 0
    uncounted: tuple[str, ...] = ()


@contextmanager
def counting() -> Iterator[OperatorCount]:
    """Count what runs meanwhile; the count is complete when this is left."""
    count, counter = OperatorCount(), _Counter()
    with counter:
        yield count
    count.macs = counter.flops // 2
    count.uncounted = tuple(sorted(name for name in counter.uncounted if not _free(name)))


def _free(name: str) -> bool:
    library, _, operator = name.partition(".")
    return library == "prim" or (
        library == "aten" and (operator in FREE or operator.removesuffix("_") in FREE)
    )


class _Counter(OperatorWatch):  # type: ignore[no-untyped-call]  # torch does not type it
    """The flops of all operators that run, and the names of those without a formula.

    It does what torch's `FlopCounterMode` does: operators that fall apart are taken
    apart, and what is left is counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.uncounted: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func not in STAND_INS and func is not torch.ops.prim.device.default:
            with self:
                result = func.decompose(*args, **given)
            if result is not NotImplemented:
                return result
        result = run_operator(func, args, given)
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            self.uncounted.add(str(func._overloadpacket))
        else:
            self.flops += formula(*args, **given, out_val=result)
        return result
