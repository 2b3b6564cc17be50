"""A block → the text of its class."""

from __future__ import annotations

from collections.abc import Iterator

from bsngraph.exporting.python.source.operations.blocks import Block, BlockParameter, is_number
from bsngraph.exporting.python.source.operations.layers import Layer, LayerArgument, constant_text
from bsngraph.exporting.python.source.text.expressions import (
    Expression,
    Hole,
    Infix,
    Word,
    holes_of,
    substituted,
)
from bsngraph.exporting.python.source.text.statements import assignment_lines, call_lines, returned

_SUMMARIES = {
    "conv": "A convolution and its norm",
    "depthwise_conv": "A convolution of each channel by itself, and its norm",
    "projection": "A 1x1 convolution and its norm",
    "separable_conv": "A convolution of each channel by itself, then a 1x1 convolution",
    "upsample_conv": "Enlarging, then a convolution and its norm",
    "transposed_conv": "A transposed convolution and its norm",
    "basic_block": "Two 3x3 convolutions",
    "bottleneck_block": "1x1, 3x3 and 1x1 convolutions, narrow inside",
    "mbconv": "A 1x1 convolution, one of each channel by itself, a 1x1 back",
    "patches": "Square patches of an image as tokens, and their positions",
    "attention": "Self-attention of several heads",
    "mlp": "Two linear layers, wide inside",
}


def block_lines(block: Block) -> list[str]:
    """The class of a block."""
    sketch = block.sketch
    written = iter(block.written)
    layers = [
        line
        for name, made in sketch.layers
        for line in layer_lines(name, made.layer, [*_parameters(made.layer, written)])
    ]
    in_forward = {
        hole.name: parameter
        for hole, parameter in zip(_holes(block), written, strict=True)
        if parameter is not None
    }
    kept = [f"        self.{each.name} = {each.name}" for each in dict.fromkeys(in_forward.values())]
    head = [_parameter_text(each) for each in block.parameters]
    return [
        f"class {block.name}(nn.Module):",
        *_docstring(block),
        "",
        *call_lines("def __init__", ["self", *head], 4, " -> None:"),
        "        super().__init__()",
        *kept,
        *layers,
        "",
        "    def forward(self, x: Tensor) -> Tensor:",
        *_forward(block, {name: Word(f"self.{each.name}") for name, each in in_forward.items()}),
    ]


def layer_lines(name: str, layer: Layer, parameters: list[BlockParameter | None] | None = None) -> list[str]:
    """`self.name = nn.Layer(…)`. `parameters` stand for its numbers, in order."""
    waiting = iter(parameters or [])

    def shown(argument: LayerArgument) -> str:
        parameter = next(waiting, None) if is_number(argument.value) else None
        text = constant_text(argument.value) if parameter is None else parameter.name
        if argument.times == 1:
            return text
        return f"{argument.times} * {text}" if parameter else str(argument.times * argument.value)  # type: ignore[operator]

    texts = layer.text_arguments(shown)
    if not layer.parameter:
        return call_lines(f"self.{name} = {layer.function}", texts, 8)
    return call_lines(f"self.{name} = nn.Parameter", [f"{layer.function}({', '.join(texts)})"], 8)


def _parameters(layer: Layer, written: Iterator[BlockParameter | None]) -> Iterator[BlockParameter | None]:
    """What stands for the numbers of a layer."""
    for argument in layer.arguments:
        if is_number(argument.value):
            yield next(written)


def _holes(block: Block) -> list[Hole]:
    sketch = block.sketch
    return [
        hole for value in (*(value for _, value in sketch.steps), sketch.result) for hole in holes_of(value)
    ]


def _forward(block: Block, holes: dict[str, Expression]) -> Iterator[str]:
    sketch = block.sketch
    for name, value in sketch.steps:
        yield from assignment_lines(name, substituted(value, {}, {}, holes), 8)
    yield from returned(substituted(sketch.result, {}, {}, holes), 8)


def _parameter_text(parameter: BlockParameter) -> str:
    kinds = {type(value) for value in parameter.values}
    kind = "tuple[int, ...]" if tuple in kinds else "float" if float in kinds else "int"
    default = "" if parameter.default is None else f" = {constant_text(parameter.default)}"
    return f"{parameter.name}: {kind}{default}"


def _docstring(block: Block) -> list[str]:
    """What the block is, in words."""
    summary = _SUMMARIES.get(block.operation, block.operation)
    if block.sketch.layers[0][1].layer.function == "nn.LayerNorm":
        summary = f"A layer norm, then {summary[0].lower()}{summary[1:]}"
    if not isinstance(block.sketch.result, Infix) or block.operation == "patches":
        return [f'    """{summary}."""']
    return [f'    """{summary}.', "", "    What comes in is added to the result.", '    """']
