"""What an operation is in the source: the layers that it holds, and its forward pass as
expressions of `x`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from bsngraph.exporting.python.source.operations.layers import MadeLayer, made_layer
from bsngraph.exporting.python.source.text.expressions import Call, Expression, Word
from bsngraph.ops import Shape
from bsngraph.ops.torch_nn.torch_class import TORCH_CLASSES

X = Word("x")


@dataclass(frozen=True)
class Sketch:
    """An operation.

    `layers` are held by these names, and called `self.NAME`. `steps` are assignments
    before what is returned.
    """

    layers: tuple[tuple[str, MadeLayer], ...]
    steps: tuple[tuple[str, Expression], ...]
    result: Expression

    @property
    def simple(self) -> bool:
        """Whether it can stand in the forward pass of the network itself."""
        return len(self.layers) <= 1 and not self.steps


class Sketcher:
    """A sketch while it is made.

    `shape` is that of an example that comes into the operation. With `stepwise` a layer
    and what it is activated by are a line.
    """

    def __init__(self, shape: Shape, *, stepwise: bool) -> None:
        self.shape, self.stepwise = shape, stepwise
        self.layers: dict[str, MadeLayer] = {}
        self.steps: list[tuple[str, Expression]] = []

    def run(self, module: nn.Module, value: Expression, name: str = "") -> Expression:
        """What a module gives for a value. `name` is what a layer in it is called.

        Raises:
            KeyError: there is no way to write the module.
        """
        writer = MODULE_WRITERS.get(type(module))
        if writer is not None:
            return writer(self, module, value, name)
        kind = type(module).__name__
        if kind not in TORCH_CLASSES or not isinstance(module, getattr(nn, kind)):
            raise KeyError(kind)
        return self.layer(made_layer(module), value, name or "layer")

    def layer(self, made: MadeLayer, value: Expression, name: str) -> Expression:
        """A layer, called with a value."""
        return Call(f"self.{self.hold(made, name)}", (value,))

    def hold(self, made: MadeLayer, name: str) -> str:
        """Hold a layer; the name that it got."""
        while name in self.layers:
            name += "_too"
        self.layers[name] = made
        return name

    def step(self, name: str, value: Expression) -> Expression:
        """Assign a value to a variable."""
        self.steps.append((name, value))
        return Word(name)

    def rested(self, value: Expression) -> Expression:
        """A value, in a variable if this is done step by step."""
        return self.step("y", value) if self.stepwise else value


ModuleWriter = Callable[[Sketcher, Any, Expression, str], Expression]

MODULE_WRITERS: dict[type[nn.Module], ModuleWriter] = {}
"""Modules that are written otherwise than as one layer of torch's."""


def writes(*kinds: type[nn.Module]) -> Callable[[ModuleWriter], ModuleWriter]:
    """Make a function the writer of some classes of modules."""

    def register(writer: ModuleWriter) -> ModuleWriter:
        MODULE_WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return register


def sketch_of(module: nn.Module, shape: Shape) -> Sketch:
    """A module, for examples of `shape`, as the source has it.

    Raises:
        KeyError: there is no way to write it, or a module in it.
    """
    weighty = [part for part in module.modules() if _own_tensors(part)]
    sketcher = Sketcher(shape, stepwise=len(weighty) > 1)
    result = sketcher.run(module, X)
    return Sketch(tuple(sketcher.layers.items()), tuple(sketcher.steps), result)


def _own_tensors(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False)) or any(
        True for _ in module.buffers(recurse=False)
    )
