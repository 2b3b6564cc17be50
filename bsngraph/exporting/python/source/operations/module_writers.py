"""Layers of torch, and ours of one layer, that read better as functions."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from bsngraph.exporting.python.source.operations.layers import (
    Layer,
    LayerArgument,
    MadeLayer,
    constant_text,
    made_layer,
)
from bsngraph.exporting.python.source.operations.sketch import Sketcher, X, writes
from bsngraph.exporting.python.source.text.expressions import (
    Call,
    Expression,
    Hole,
    Indexed,
    Listing,
    MethodCall,
    Word,
)
from bsngraph.ops.modules.image_modules import (
    GlobalPool,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    Shortcut,
)

INSTANCE_NORM = "InstanceNorm"
"""A class that the source defines: torch's refuses an image of one pixel."""

_FUNCTIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "functional.relu",
    nn.ReLU6: "functional.relu6",
    nn.SiLU: "functional.silu",
    nn.Hardswish: "functional.hardswish",
    nn.Tanh: "torch.tanh",
    nn.Sigmoid: "torch.sigmoid",
}


@writes(*_FUNCTIONS)
def _activation(sketcher: Sketcher, module: nn.Module, value: Expression, name: str) -> Expression:
    return sketcher.rested(Call(_FUNCTIONS[type(module)], (value,)))


@writes(nn.GELU)
def _gelu(sketcher: Sketcher, module: nn.GELU, value: Expression, name: str) -> Expression:
    how = () if module.approximate == "none" else (("approximate", Word(constant_text(module.approximate))),)
    return sketcher.rested(Call("functional.gelu", (value,), how))


@writes(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)
def _nothing(sketcher: Sketcher, module: nn.Module, value: Expression, name: str) -> Expression:
    """Dropout does nothing where nothing is learned."""
    return value


@writes(nn.Sequential)
def _sequence(sketcher: Sketcher, module: nn.Sequential, value: Expression, name: str) -> Expression:
    """The parts one after the other.

    If only one of them has weights, it takes the name of the whole.
    """
    alone = sum(bool(part.state_dict()) for part in module) == 1
    for part_name, part in module.named_children():
        inner = name or part_name if alone or not name else f"{name}_{part_name}"
        value = sketcher.run(part, value, inner)
    return value


@writes(nn.Flatten)
def _flatten(sketcher: Sketcher, module: nn.Flatten, value: Expression, name: str) -> Expression:
    if value == X and len(sketcher.shape) == 1:
        return value  # a vector is flat
    ends = (module.start_dim, module.end_dim) if module.end_dim != -1 else (module.start_dim,)
    return MethodCall(value, "flatten", tuple(Word(str(end)) for end in ends))


_POOLS: dict[type[nn.Module], str] = {
    nn.MaxPool1d: "functional.max_pool1d",
    nn.MaxPool2d: "functional.max_pool2d",
    nn.AvgPool1d: "functional.avg_pool1d",
    nn.AvgPool2d: "functional.avg_pool2d",
}


@writes(*_POOLS)
def _pool(sketcher: Sketcher, module: nn.Module, value: Expression, name: str) -> Expression:
    window, *others = made_layer(module).layer.arguments
    given = {each.name: each for each in others}
    stride, padding = (given.pop(name).value for name in ("stride", "padding"))
    places = [window.value, stride, padding][: 3 if padding else 2 if stride != window.value else 1]
    keywords = tuple(
        (name, Word(constant_text(each.value))) for name, each in given.items() if each.value != each.default
    )
    return Call(_POOLS[type(module)], (value, *(Word(constant_text(place)) for place in places)), keywords)


@writes(nn.Upsample)
def _upsample(sketcher: Sketcher, module: nn.Upsample, value: Expression, name: str) -> Expression:
    (how,) = (
        (each.name, Hole(each.name, cast("Any", each.value)))
        for each in made_layer(module).layer.arguments
        if each.name != "mode" and each.value is not None
    )
    mode = () if module.mode == "nearest" else (("mode", Word(constant_text(module.mode))),)
    return Call("functional.interpolate", (value,), (how, *mode))


@writes(GroupNorm, InstanceNorm1d, InstanceNorm2d)
def _norm_of_examples(sketcher: Sketcher, module: Any, value: Expression, name: str) -> Expression:
    """torch's norms refuse one value a group, which a group of one channel may have."""
    name = name or "norm"
    channels = module.num_channels if isinstance(module, nn.GroupNorm) else module.num_features
    if isinstance(module, nn.GroupNorm) and module.num_groups < channels:
        return sketcher.layer(made_layer(module), value, name)
    arguments = (
        LayerArgument("num_channels", channels),
        LayerArgument("eps", module.eps, 1e-5),
        LayerArgument("affine", module.affine, True),
    )
    return sketcher.layer(MadeLayer(Layer(INSTANCE_NORM, arguments), module.state_dict()), value, name)


@writes(Shortcut)
def skipped(sketcher: Sketcher, module: Shortcut, value: Expression, name: str) -> Expression:
    """Every stride-th pixel, then channels of zeros."""
    if module.stride > 1:
        value = Indexed(value, f":, :, ::{module.stride}, ::{module.stride}")
    if module.extra:
        around: tuple[Expression, ...] = (*[Word("0")] * 5, Hole("extra", module.extra))
        value = Call("functional.pad", (value, Listing(around, "()")))
    return value


@writes(GlobalPool)
def _global_pool(sketcher: Sketcher, module: GlobalPool, value: Expression, name: str) -> Expression:
    dims = Word("1" if len(sketcher.shape) == 2 else "(2, 3)")
    return MethodCall(value, "mean" if module.kind == "avg" else "amax", (), (("dim", dims),))
