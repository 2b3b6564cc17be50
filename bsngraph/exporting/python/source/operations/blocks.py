"""Sketches of several layers → classes of the source, one for all that are alike.

Operations are alike if they differ in numbers only. The class takes as parameters its
widths, and the numbers that differ between its uses; the others stand in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bsngraph.exporting.python.source.operations.layers import SIZES, LayerArgument, constant_text
from bsngraph.exporting.python.source.operations.sketch import Sketch
from bsngraph.exporting.python.source.text.expressions import Expression, Hole, holes_of, substituted
from bsngraph.exporting.python.source.text.python_names import PythonNames

_Values = tuple[Any, ...]
"""What one number of a block is in each of its uses."""


@dataclass(frozen=True)
class BlockUse:
    """An edge that is a block: the edge's number, its operation, its sketch."""

    edge: int
    operation: str
    sketch: Sketch


@dataclass(frozen=True)
class BlockParameter:
    """A parameter of a block's class, and its value in each use."""

    name: str
    values: _Values
    default: Any = None
    size: bool = False


@dataclass(frozen=True)
class Block:
    """A class of the source.

    `uses` are alike. `written` has for each number of a sketch, in order, the parameter
    that stands for it; None for a number that is the same in all uses.
    """

    name: str
    operation: str
    uses: tuple[BlockUse, ...]
    parameters: tuple[BlockParameter, ...]
    written: tuple[BlockParameter | None, ...]

    @property
    def sketch(self) -> Sketch:
        """That of the first use; the others differ in `parameters`."""
        return self.uses[0].sketch

    def argument_texts(self, use: BlockUse) -> list[str]:
        """The arguments that make the block of a use."""
        place = self.uses.index(use)
        return [
            constant_text(each.values[place])
            if each.size
            else f"{each.name}={constant_text(each.values[place])}"
            for each in self.parameters
            if each.default is None or each.values[place] != each.default
        ]


def find_blocks(uses: Sequence[BlockUse], names: PythonNames) -> list[Block]:
    """The classes for operations of several layers, in the order of their first use."""
    alike: dict[Any, list[BlockUse]] = {}
    for use in uses:
        alike.setdefault((use.operation, _skeleton(use.sketch)), []).append(use)
    return [_block(tuple(group), names) for group in alike.values()]


@dataclass(frozen=True)
class _Number:
    """A number in a sketch: an argument of a layer, or a hole."""

    name: str
    value: Any
    default: Any = None


def _block(uses: tuple[BlockUse, ...], names: PythonNames) -> Block:
    numbers = [
        (each[0], tuple(one.value for one in each))
        for each in zip(*(_numbers(use.sketch) for use in uses), strict=True)
    ]
    sizes, words = [(each.name, values) for each, values in numbers if each.name in SIZES], PythonNames()
    made: dict[tuple[str, _Values], BlockParameter] = {}
    for values in dict.fromkeys(values for _, values in sizes):
        made[_SIZE, values] = BlockParameter(words.variable(_size_name(values, sizes)), values, size=True)
    written: list[BlockParameter | None] = []
    for number, values in numbers:
        key = _SIZE if number.name in SIZES or _counts_channels(number, values) else number.name, values
        if key not in made and len(set(values)) > 1:
            default = number.default if number.default in values else None
            made[key] = BlockParameter(words.variable(number.name), values, default)
        written.append(made.get(key))
    parameters = sorted(made.values(), key=lambda each: (not each.size, each.default is not None))
    operation = uses[0].operation
    title = names.title(_TITLES.get(operation, operation), "Block")
    return Block(title, operation, uses, tuple(parameters), tuple(written))


_SIZE = "size"
_TITLES = {"mbconv": "MBConv", "mlp": "MLP"}


def _counts_channels(number: _Number, values: _Values) -> bool:
    """Whether it is a number of groups that follows the channels."""
    return number.name == "groups" and any(value > 1 for value in values)


def _size_name(values: _Values, sizes: Sequence[tuple[str, _Values]]) -> str:
    """What a width is called: that of what comes in, of what goes out, or inside."""
    word = "features" if all("channels" not in name for name, _ in sizes) else "channels"
    first, last = sizes[0][1], [each for name, each in sizes if name.startswith("out_")][-1:]
    if values == first:
        return word if last in ([values], []) else "incoming"
    return word if last == [values] else "hidden"


def _numbers(sketch: Sketch) -> list[_Number]:
    """The numbers of a sketch in the order in which they stand in it."""
    found = [
        _Number(each.name, each.value, None if each.required else each.default)
        for _, made in sketch.layers
        for each in made.layer.arguments
        if is_number(each.value)
    ]
    expressions = [*(value for _, value in sketch.steps), sketch.result]
    return found + [
        _Number(hole.name, hole.value) for expression in expressions for hole in holes_of(expression)
    ]


def is_number(value: Any) -> bool:
    """Whether an argument is one that may differ between uses of a block."""
    return isinstance(value, int | float | tuple) and not isinstance(value, bool)


def _skeleton(sketch: Sketch) -> Any:
    """A sketch without its numbers."""

    def bare(argument: LayerArgument) -> LayerArgument:
        value = "a number" if is_number(argument.value) else argument.value
        return LayerArgument(argument.name, value, argument.default, argument.times)

    def empty(expression: Expression) -> Expression:
        holes = {hole.name: Hole(hole.name, 0) for hole in holes_of(expression)}
        return substituted(expression, {}, {}, holes)

    layers = tuple(
        (name, made.layer.function, made.layer.parameter, tuple(map(bare, made.layer.arguments)))
        for name, made in sketch.layers
    )
    return layers, tuple((name, empty(value)) for name, value in sketch.steps), empty(sketch.result)
