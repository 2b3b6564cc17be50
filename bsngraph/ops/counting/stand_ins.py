"""What stands for an operator of torch while shapes and memory are counted.

On the meta device torch works most operators out in Python, and loads its compiler and
a computer algebra system to do so, which takes as long as all else of a count. A
stand-in makes a result of the same shape and bytes by a formula. Where it has none for
what comes in, it gives NotImplemented, and torch runs the operator itself: so every
error is torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils._pytree import tree_leaves

Sizes = Sequence[int]

_ATEN = torch.ops.aten


def run_operator(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of an operator, by its stand-in where there is one."""
    stand_in = STAND_INS.get(func)
    if stand_in is None or kwargs or not all(map(_plain, tree_leaves(args))):
        return func(*args, **kwargs)
    result = stand_in(*args)
    return func(*args) if result is NotImplemented else result


def _plain(value: Any) -> bool:
    """Whether a value is a number, or a tensor of the usual type on the meta device."""
    if isinstance(value, Tensor):
        return type(value) in (Tensor, Parameter) and value.is_meta and value.dtype == torch.float32
    return not isinstance(value, complex)


def _like(x: Tensor, *_: Any) -> Any:
    """A dense tensor whose dimensions lie in memory in the same order."""
    if x.is_contiguous():
        return x.new_empty(x.shape)
    if 0 in x.stride():
        return NotImplemented
    order = sorted(range(x.dim()), key=x.stride().__getitem__, reverse=True)
    dense = x.new_empty([x.shape[dim] for dim in order])
    return dense.permute(sorted(range(x.dim()), key=order.__getitem__))


def _softmax(x: Tensor, *_: Any) -> Any:
    return x.new_empty(x.shape) if x.is_contiguous() else NotImplemented


def _of_two(x: Tensor, y: Tensor | float, *_: Any) -> Any:
    if not isinstance(y, Tensor) or (x.shape, x.stride()) == (y.shape, y.stride()):
        return _like(x)
    if not (x.is_contiguous() and y.is_contiguous() and x.dim() >= y.dim()):
        return NotImplemented
    pairs = zip(reversed(x.shape), reversed(y.shape), strict=False)
    return x.new_empty(x.shape) if all(other in (1, size) for size, other in pairs) else NotImplemented


def _reduced(x: Tensor, dims: Sizes | None = None, keep: bool = False) -> Any:
    if not dims:
        return NotImplemented
    gone = {dim % x.dim() for dim in dims}
    every = enumerate(x.shape)
    return x.new_empty([1 if dim in gone else size for dim, size in every if keep or dim not in gone])


def _concatenated(parts: Sequence[Tensor], dim: int = 0) -> Any:
    others = {(*part.shape[:dim], *part.shape[dim:][1:]) for part in parts}
    if dim < 0 or len(others) > 1 or not all(part.is_contiguous() for part in parts):
        return NotImplemented
    shape = list(parts[0].shape)
    shape[dim] = sum(part.shape[dim] for part in parts)
    return parts[0].new_empty(shape)


def _product(x: Tensor, y: Tensor) -> Any:
    if x.dim() != y.dim() or x.shape[-1] != y.shape[-2] or x.shape[:-2] != y.shape[:-2]:
        return NotImplemented
    return x.new_empty(*x.shape[:-1], y.shape[-1])


def _affine(bias: Tensor, x: Tensor, y: Tensor) -> Any:
    return _product(x, y) if bias.shape == y.shape[-1:] else NotImplemented


def _convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sizes,
    paddings: Sizes,
    dilations: Sizes,
    transposed: bool,
    added: Sizes,
    groups: int,
) -> Any:
    incoming = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.dim() != 4 or x.shape[1] != incoming or not x.is_contiguous():
        return NotImplemented
    sizes = []
    for size, kernel, stride, padding, dilation, more in zip(
        x.shape[2:], weight.shape[2:], strides, paddings, dilations, added, strict=True
    ):
        reach = dilation * (kernel - 1) + 1
        if transposed:
            sizes.append((size - 1) * stride - 2 * padding + reach + more)
        else:
            sizes.append((size + 2 * padding - reach) // stride + 1)
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    return x.new_empty(x.shape[0], channels, *sizes) if min(sizes) > 0 else NotImplemented


def _pooled(
    x: Tensor, kernel: Sizes, strides: Sizes = (), padding: Sizes = (0, 0), *more: bool
) -> Tensor | None:
    """The result of a pooling window; None where there is no formula for it."""
    ceil = bool(more and more[0])
    if x.dim() != 4 or not x.is_contiguous() or {len(kernel), len(strides), len(padding)} != {2}:
        return None
    sizes = []
    for size, window, stride, pad in zip(x.shape[2:], kernel, strides, padding, strict=True):
        result = (size + 2 * pad - window + (stride - 1 if ceil else 0)) // stride + 1
        if ceil and (result - 1) * stride >= size + pad:
            result -= 1  # the last window must begin inside
        if 2 * pad > window or result < 1:
            return None
        sizes.append(result)
    return x.new_empty(*x.shape[:2], *sizes)


def _average(x: Tensor, *window: Any) -> Any:
    result = _pooled(x, *window[:4])
    return NotImplemented if result is None else result


def _maximum(
    x: Tensor,
    kernel: Sizes,
    strides: Sizes = (),
    padding: Sizes = (0, 0),
    dilation: Sizes = (1, 1),
    ceil: bool = False,
) -> Any:
    result = _pooled(x, kernel, strides, padding, ceil)
    if result is None or tuple(dilation) != (1, 1):
        return NotImplemented
    return result, x.new_empty(result.shape, dtype=torch.int64)


def _batch_norm(x: Tensor, *_: Any) -> Any:
    if not x.is_contiguous():
        return NotImplemented
    return x.new_empty(x.shape), x.new_empty(x.shape[1]), x.new_empty(x.shape[1])


def _group_norm(
    x: Tensor, weight: Tensor, bias: Tensor, rows: int, channels: int, pixels: int, groups: int, eps: float
) -> Any:
    if not x.is_contiguous():
        return NotImplemented
    return x.new_empty(x.shape), x.new_empty(rows, groups), x.new_empty(rows, groups)


def _layer_norm(x: Tensor, shape: Sizes, *_: Any) -> Any:
    if not x.is_contiguous() or tuple(x.shape[-len(shape) :]) != tuple(shape):
        return NotImplemented
    outer = (*x.shape[: x.dim() - len(shape)], *(1 for _ in shape))
    return x.new_empty(x.shape), x.new_empty(outer), x.new_empty(outer)


def _resized(x: Tensor, size: Sizes | None, *_: Any) -> Any:
    if size is None or x.dim() != 4 or min(size) < 1 or not x.is_contiguous():
        return NotImplemented
    return x.new_empty(*x.shape[:2], *size)


_ELEMENTWISE = (
    *(_ATEN.gelu.default, _ATEN.hardswish.default, _ATEN.hardtanh.default, _ATEN.relu.default),
    *(_ATEN.sigmoid.default, _ATEN.silu.default, _ATEN.tanh.default),
)
_OF_TWO = (
    *(_ATEN.add.Tensor, _ATEN.div.Tensor, _ATEN.div.Scalar, _ATEN.maximum.default),
    *(_ATEN.mul.Scalar, _ATEN.mul.Tensor),
)
_RESIZING = (
    *(_ATEN.upsample_bilinear2d.default, _ATEN.upsample_bilinear2d.vec),
    *(_ATEN.upsample_nearest2d.default, _ATEN.upsample_nearest2d.vec),
)
STAND_INS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(_ELEMENTWISE, _like),
    **dict.fromkeys(_OF_TWO, _of_two),
    **dict.fromkeys((_ATEN.mean.dim, _ATEN.amax.default), _reduced),
    **dict.fromkeys((_ATEN.mm.default, _ATEN.bmm.default), _product),
    **dict.fromkeys(_RESIZING, _resized),
    **dict.fromkeys((_ATEN._safe_softmax.default, _ATEN._softmax.default), _softmax),
    _ATEN._native_batch_norm_legit_no_training.default: _batch_norm,
    _ATEN.addmm.default: _affine,
    _ATEN.avg_pool2d.default: _average,
    _ATEN.cat.default: _concatenated,
    _ATEN.convolution.default: _convolved,
    _ATEN.max_pool2d_with_indices.default: _maximum,
    _ATEN.native_batch_norm.default: _batch_norm,
    _ATEN.native_group_norm.default: _group_norm,
    _ATEN.native_layer_norm.default: _layer_norm,
}
