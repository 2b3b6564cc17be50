"""Our modules of several layers: residual and mobile blocks, parts of transformers."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from bsngraph.exporting.python.source.operations.layers import Layer, LayerArgument, MadeLayer, made_layer
from bsngraph.exporting.python.source.operations.module_writers import skipped
from bsngraph.exporting.python.source.operations.sketch import Sketcher, writes
from bsngraph.exporting.python.source.text.expressions import (
    Call,
    Expression,
    Hole,
    Indexed,
    Infix,
    Listing,
    MethodCall,
    Word,
)
from bsngraph.ops.modules.block_modules import BasicBlock, BottleneckBlock, MBConv, SqueezeExcite
from bsngraph.ops.modules.token_modules import Patches, Positions, ResidualModule, SelfAttention


@writes(BasicBlock, BottleneckBlock)
def _residual_block(
    sketcher: Sketcher, module: BasicBlock | BottleneckBlock, value: Expression, name: str
) -> Expression:
    y = value
    for part_name, part in module.named_children():
        if part is not module.shortcut:
            y = sketcher.run(part, y, part_name)
    if module.shortcut is None:
        return y
    shortcut = skipped(sketcher, module.shortcut, value, "")
    return Infix("+", (shortcut if shortcut == value else sketcher.step("shortcut", shortcut), y))


@writes(SqueezeExcite)
def _squeeze_excite(sketcher: Sketcher, module: SqueezeExcite, value: Expression, name: str) -> Expression:
    seen = MethodCall(value, "mean", (), (("dim", Word("(2, 3)")),))
    squeezed = sketcher.layer(made_layer(module.squeeze), seen, "squeeze")
    weights = sketcher.step("weights", Call("functional.relu", (squeezed,)))
    excited = sketcher.layer(made_layer(module.excite), weights, "excite")
    weights = sketcher.step("weights", Call("torch.sigmoid", (excited,)))
    return sketcher.step("y", Infix("*", (value, Indexed(weights, ":, :, None, None"))))


@writes(MBConv)
def _mbconv(sketcher: Sketcher, module: MBConv, value: Expression, name: str) -> Expression:
    y = value
    for part_name, part in module.layers.named_children():
        y = sketcher.run(part, y, part_name)
    return Infix("+", (value, y)) if module.residual else y


@writes(ResidualModule)
def _residual(sketcher: Sketcher, module: ResidualModule, value: Expression, name: str) -> Expression:
    return Infix("+", (value, sketcher.run(module.inner, value, name)))


@writes(Positions)
def _positions(sketcher: Sketcher, module: Positions, value: Expression, name: str) -> Expression:
    length, features = module.vectors.shape
    arguments = (LayerArgument("length", length), LayerArgument("num_features", features))
    made = MadeLayer(Layer("torch.zeros", arguments, parameter=True), {"": module.vectors.detach()})
    return Infix("+", (value, Word(f"self.{sketcher.hold(made, name or 'positions')}")))


@writes(Patches)
def _patches(sketcher: Sketcher, module: Patches, value: Expression, name: str) -> Expression:
    if any(module.padding):
        value = Call("functional.pad", (value, Word(str(module.padding))))
    patches = sketcher.layer(made_layer(module.projection), value, "projection")
    rows = MethodCall(MethodCall(patches, "flatten", (Word("2"),)), "transpose", (Word("1"), Word("2")))
    if isinstance(module.positions, nn.Identity):
        return rows
    return sketcher.run(module.positions, sketcher.step("tokens", rows), "positions")


@writes(SelfAttention)
def _self_attention(sketcher: Sketcher, module: SelfAttention, value: Expression, name: str) -> Expression:
    """softmax(QKᵀ/√d)·V for each head."""
    incoming = made_layer(module.incoming)
    width, _, bias = incoming.layer.arguments
    three = replace(width, name="out_features", times=3)
    incoming = replace(incoming, layer=replace(incoming.layer, arguments=(width, three, bias)))
    heads = Listing((Word("3"), Hole("heads", module.heads), Word("-1")), "()")
    split = MethodCall(sketcher.layer(incoming, value, "incoming"), "unflatten", (Word("2"), heads))
    split = MethodCall(
        sketcher.step("split", split), "permute", tuple(Word(str(dim)) for dim in (2, 0, 3, 1, 4))
    )
    sketcher.step("queries, keys, values", split)
    parts = (Word("queries"), Word("keys"), Word("values"))
    seen = sketcher.step("seen", Call("functional.scaled_dot_product_attention", parts))
    joined = MethodCall(MethodCall(seen, "transpose", (Word("1"), Word("2"))), "flatten", (Word("2"),))
    return sketcher.layer(made_layer(module.outgoing), joined, "outgoing")
