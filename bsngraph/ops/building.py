"""Building the module of an operation, and adapting a user's to sampled execution.

In: an operation's name and arguments, the shape of one incoming example. Out: an
nn.Module for batches of such examples.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from bsngraph.ops.modules.image_modules import NORMS
from bsngraph.ops.signature import Builder, Shape, Value
from bsngraph.ops.table import OPERATIONS
from bsngraph.ops.user_code.refusal import kind_of, words_of
from bsngraph.wording import shape_text

_ADAPTED = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm)


class Function(nn.Module):
    """A function of one batch as a module.

    A user's builder may give a function in place of a module.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def build(op: str, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    """The module of operation `op` for inputs of `shape` (without the batch).

    It is built on torch's current default device.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
    """
    entry = OPERATIONS[op]
    make = build_foreign if entry.origin else build_ours
    return make(entry.builder, arguments, shape)


def build_ours(builder: Builder, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    """The module that a builder gives.

    Raises:
        ValueError: the builder fails, or gives no module.
    """
    try:
        built = builder(shape, **arguments)
    except ValueError:
        raise
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"cannot be built for an input of {shape_text(shape)} ({words_of(error)})"
        ) from error
    if isinstance(built, nn.Module):
        return built
    if not callable(built) or isinstance(built, type):
        raise ValueError(f"gives no nn.Module but {kind_of(built)}")
    return Function(built)


def build_foreign(builder: Builder, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    """The module that a user's builder gives, adapted to sampled execution.

    Lazy layers get their weights, and norms cope with one value a channel. What the
    builder prints goes to stderr.

    Raises:
        ValueError: the builder fails, or gives no module; a lazy layer cannot run.
    """
    with contextlib.redirect_stdout(sys.stderr):
        module = build_ours(builder, arguments, shape)
        if any(map(is_lazy, chain(module.parameters(), module.buffers()))):
            _materialise(module, shape)
    for part in module.modules():
        _cope_with_one_value(part)
    return module


def _materialise(module: nn.Module, shape: Shape) -> None:
    """Give lazy layers their weights: their sizes come from a first pass."""
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *shape))
    except (Exception, SystemExit) as error:
        raise ValueError(f"cannot run on an input of {shape_text(shape)} ({words_of(error)})") from error
    module.train()


def _cope_with_one_value(part: nn.Module) -> None:
    """Replace a norm of torch by ours; weights and statistics stay.

    An edge may be live for one example of a batch, and torch's norms refuse one value a
    channel in training.
    """
    if type(part) in _ADAPTED:
        part.__class__ = NORMS[type(part).__name__]
