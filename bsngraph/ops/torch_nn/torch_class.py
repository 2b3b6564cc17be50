"""A row of the table of torch.nn's classes (`torch_classes.py`).

It says what a file may give, and how the module is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bsngraph.ops.signature import Argument, Operation, Shape, argument
from bsngraph.ops.table import OPERATIONS, TORCH_PREFIX
from bsngraph.wording import shape_text

Fill = Callable[[Shape], Any]

VECTOR, SEQUENCE, IMAGE = 1, 2, 3
_KIND = {
    VECTOR: "a vector (features)",
    SEQUENCE: "a sequence (channels, length)",
    IMAGE: "an image (channels, height, width)",
}


@dataclass(frozen=True)
class TorchClass:
    """A row for `nn.<name>`.

    `ranks` are the kinds of examples it works on (their numbers of sizes), `fills` what
    comes from the shape, `left_out` the arguments that a file cannot give.
    """

    name: str
    ranks: tuple[int, ...]
    fills: dict[str, Fill]
    arguments: dict[str, Argument]
    left_out: frozenset[str]
    when: str
    sizes: str

    def build(self, shape: Shape, **arguments: Any) -> Any:
        """The module for inputs of `shape`.

        Raises:
            ValueError: it does not work on that kind of example.
        """
        from torch import nn

        from bsngraph.ops.modules import image_modules as modules

        if len(shape) not in self.ranks:
            raise ValueError(
                f"needs {' or '.join(_KIND[rank] for rank in self.ranks)}, but gets {shape_text(shape)}"
            )
        for name in ("dim", "start_dim", "end_dim"):
            if name in arguments and not _inside(arguments[name], len(shape) + 1):
                raise ValueError(
                    f"{name}={arguments[name]} must be one of 1 to {len(shape)}, or -1 to -{len(shape)}: "
                    "the batch is 0"
                )
        filled = {name: fill(shape) for name, fill in self.fills.items()}
        module = modules.NORMS.get(self.name) or getattr(nn, self.name)
        return module(**filled, **arguments)


def _inside(dim: int, count: int) -> bool:
    return -count < dim < count and dim % count != 0


TORCH_CLASSES: dict[str, TorchClass] = {}


def add_classes(
    names: str,
    ranks: tuple[int, ...],
    when: str,
    sizes: str,
    *,
    fills: str = "",
    left_out: str = "",
    **given: Any,
) -> None:
    """Add rows for classes of the same arguments.

    `name=type` is an argument that must be given, `name=(type, default)` one that may.
    """
    for name in names.split():
        op = TORCH_PREFIX + name
        pairs = {word: hint if isinstance(hint, tuple) else (hint,) for word, hint in given.items()}
        arguments = {word: argument(op, word, *pair) for word, pair in pairs.items()}
        fill = {word: _FILLS[word] for word in fills.split()}
        row = TorchClass(name, ranks, fill, arguments, frozenset(left_out.split()), when, sizes)
        TORCH_CLASSES[name] = row
        note = f"; {fills} from what comes in" if fills else ""
        OPERATIONS[op] = Operation(op, row.build, arguments, f"torch's {name}{note}.", when, sizes)


def _channels(shape: Shape) -> int:
    return shape[0]


def _last(shape: Shape) -> int:
    return shape[-1]


def _normalized(shape: Shape) -> list[int]:
    return list(shape) if len(shape) == IMAGE else [shape[-1]]


_FILLS: dict[str, Fill] = {
    "in_channels": _channels,
    "in_features": _last,
    "num_channels": _channels,
    "num_features": _channels,
    "normalized_shape": _normalized,
}
