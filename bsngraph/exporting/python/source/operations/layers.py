"""A module with weights or settings → the call that makes it: `nn.Conv2d(16, 32, 3)`.

Arguments are read off the module by torch's own signature, so a class of torch.nn needs
no entry here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bsngraph.exporting.python.source.text.expressions import number_text
from bsngraph.exporting.python.source.text.python_names import text_literal
from bsngraph.ops.torch_nn.torch_class import TORCH_CLASSES

Constant = int | float | str | bool | None | tuple[int, ...]

SIZES = frozenset(
    {
        "in_channels",
        "out_channels",
        "in_features",
        "out_features",
        "num_features",
        "num_channels",
        "normalized_shape",
    }
)
"""Arguments that say how wide a layer is."""

_NO_DEFAULT = inspect.Parameter.empty
_SHAPES = frozenset({"size", "normalized_shape"})  # two equal sides are no single one
_ALWAYS_BY_POSITION = frozenset({"kernel_size", *SIZES})


@dataclass(frozen=True)
class LayerArgument:
    """An argument of a layer. `times` is written before the value: `3 * features`."""

    name: str
    value: Constant
    default: Any = _NO_DEFAULT
    times: int = 1

    @property
    def required(self) -> bool:
        return self.default is _NO_DEFAULT


@dataclass(frozen=True)
class Layer:
    """A call that makes a layer, or with `parameter` a tensor that is learned."""

    function: str
    arguments: tuple[LayerArgument, ...]
    parameter: bool = False

    def text_arguments(self, shown: Callable[[LayerArgument], str]) -> list[str]:
        """The arguments of the call; `shown` writes a value."""
        return [
            text if each.required or each.name in _ALWAYS_BY_POSITION else f"{each.name}={text}"
            for each in self.arguments
            for text in [shown(each)]
            if each.required or text != constant_text(each.default)
        ]


@dataclass(frozen=True)
class MadeLayer:
    """A layer with its weights: tensors by their names in the layer's state_dict, or by
    the empty name if it is a parameter.
    """

    layer: Layer
    weights: Mapping[str, Tensor]


def made_layer(module: nn.Module) -> MadeLayer:
    """A module of torch as the call that makes it.

    Raises:
        KeyError: a class that is not in the table of torch's classes.
    """
    kind = next(each for each in type(module).__mro__ if each.__module__.startswith("torch.nn."))
    row, signature = TORCH_CLASSES[kind.__name__], inspect.signature(kind).parameters
    told = [name for name in signature if name in row.arguments or name in row.fills]
    arguments = tuple(
        LayerArgument(name, _setting(module, name), signature[name].default)
        for name in told
        if name != "init"  # PReLU's weights before they have learned
    )
    return MadeLayer(Layer(f"nn.{kind.__name__}", arguments), dict(module.state_dict()))


def constant_text(value: Constant) -> str:
    """A constant as the source writes it."""
    return text_literal(value) if isinstance(value, str) else number_text(value)


def _setting(module: nn.Module, name: str) -> Any:
    """What a module was made with; one number for several that are the same."""
    if name == "bias":
        return module.bias is not None
    value = getattr(module, name)
    same = isinstance(value, tuple) and len(set(value)) == 1
    return value[0] if same and (len(value) == 1 or name not in _SHAPES) else value
