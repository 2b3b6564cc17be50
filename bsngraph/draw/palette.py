"""What an operation looks like: a colour for each family, a short label for each edge.

In: an edge's operation and arguments. Out: a `Family` (its name in the legend, and its
colour) and a label such as `conv 3×3 /2`. The colours are those of Okabe and Ito and of
Tol's muted scheme, which people with any colour vision can tell apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bsngraph.fabric.model import Edge
from bsngraph.ops import OPERATIONS
from bsngraph.wording import shortened


@dataclass(frozen=True)
class Family:
    """Operations drawn alike. `rank` is the place in the legend."""

    name: str
    colour: str
    rank: int


CONV_1 = Family("conv 1×1", "#56B4E9", 0)
CONV_3 = Family("conv 3×3", "#0072B2", 1)
CONV_WIDE = Family("conv 5×5 and wider", "#332288", 2)
SEPARABLE = Family("separable conv", "#009E73", 3)
BLOCK = Family("block", "#D55E00", 4)
SKIP = Family("skip", "#555555", 5)
POOL = Family("pooling", "#E69F00", 6)
UPSAMPLE = Family("upsampling", "#44AA99", 7)
TOKENS = Family("attention", "#CC6677", 8)
MLP = Family("mlp", "#117733", 9)
HEAD = Family("classifier, linear", "#AA4499", 10)
OTHER = Family("other", "#8B5A2B", 11)

_MEMBERS = {
    CONV_1: "projection",
    SEPARABLE: "separable_conv depthwise_conv",
    BLOCK: "basic_block bottleneck_block mbconv",
    SKIP: "identity shortcut",
    POOL: "max_pool avg_pool global_pool",
    UPSAMPLE: "upsample upsample_conv transposed_conv",
    TOKENS: "attention",
    MLP: "mlp",
    HEAD: "classifier linear segmentation_head token_linear",
    OTHER: "dropout flatten layer_norm patches positions",
}
_FAMILIES = {op: family for family, members in _MEMBERS.items() for op in members.split()}
_USER_COLOURS = ("#882255", "#999933", "#117733", "#CC6677", "#6699CC", "#B8860B")

#: Every colour that an operation can have.
OPERATION_COLOURS = tuple(
    dict.fromkeys([CONV_3.colour, CONV_WIDE.colour, *(one.colour for one in _MEMBERS), *_USER_COLOURS])
)


def family_of(op: str, arguments: Mapping[str, object]) -> Family:
    """The family of an operation. A user's operation is a family of its own, and its
    name alone says its colour.
    """
    if op == "conv":
        kernel = int(str(_resolved(op, arguments)["kernel"]))
        return CONV_1 if kernel == 1 else CONV_3 if kernel == 3 else CONV_WIDE
    if op in _FAMILIES:
        return _FAMILIES[op]
    return Family(
        shortened(op),
        _USER_COLOURS[zlib.crc32(op.encode("utf-8", "replace")) % len(_USER_COLOURS)],
        OTHER.rank + 1,
    )


def short_label(edge: Edge) -> str:
    """The edge's operation in a few characters: `conv 3×3 /2`, `proj 1×1`, `skip`, `max
    pool 3 /2`.

    A user's operation is written as its name: nobody but the user knows what its
    arguments mean.
    """
    label = _LABELS.get(edge.op)
    return label(_resolved(edge.op, edge.arguments)) if label else shortened(edge.op)


def long_label(edge: Edge) -> str:
    """The edge's operation with every argument that its file gives: `conv channels=32
    kernel=3 stride=2`.
    """
    return " ".join([edge.op, *(f"{name}={_word(value)}" for name, value in edge.arguments.items())])


def _resolved(op: str, given: Mapping[str, object]) -> dict[str, Any]:
    """All arguments: those given, and the operation's own defaults for the others."""
    return {argument.name: argument.default for argument in OPERATIONS[op].arguments.values()} | dict(given)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _conv(given: Mapping[str, Any]) -> str:
    kernel, groups, dilation = given["kernel"], given["groups"], given["dilation"]
    name = "proj" if kernel == 1 else "conv"
    spread = f" dil {dilation}" if dilation != 1 and kernel != 1 else ""
    return f"{name} {kernel}×{kernel}{spread}{f' g{groups}' if groups != 1 else ''}{_stride(given)}"


def _upsample(given: Mapping[str, Any]) -> str:
    if given["height"] is not None:
        return f"up to {given['height']}×{given['width']}"
    return f"up ×{given['factor']}"


def _stride(given: Mapping[str, Any]) -> str:
    return f" /{given['stride']}" if given["stride"] != 1 else ""


_LABELS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "conv": _conv,
    "separable_conv": lambda given: f"sep {given['kernel']}×{given['kernel']}{_stride(given)}",
    "basic_block": lambda given: f"{'block' if given['residual'] else 'plain block'}{_stride(given)}",
    "identity": lambda given: "skip",
    "shortcut": lambda given: f"skip{_stride(given)}",
    "max_pool": lambda given: f"max pool {given['window']}{_stride(given)}",
    "avg_pool": lambda given: f"avg pool {given['window']}{_stride(given)}",
    "upsample": _upsample,
    "projection": lambda given: f"proj 1×1{_stride(given)}",
    "depthwise_conv": lambda given: f"depthwise {given['kernel']}×{given['kernel']}{_stride(given)}",
    "bottleneck_block": lambda given: f"bottleneck{_stride(given)}",
    "mbconv": lambda given: f"mb{given['expansion']} {given['kernel']}×{given['kernel']}{_stride(given)}",
    "upsample_conv": lambda given: f"{_upsample(given)} conv {given['kernel']}×{given['kernel']}",
    "transposed_conv": lambda given: f"transposed {given['kernel']}×{given['kernel']} ×{given['stride']}",
    "global_pool": lambda given: "global pool",
    "segmentation_head": lambda given: f"classes {given['classes']}",
    "attention": lambda given: f"attention {given['heads']}",
    "dropout": lambda given: f"dropout {given['rate']:g}",
    "linear": lambda given: f"linear {given['features']}",
    "classifier": lambda given: f"classifier {given['classes']}",
}
