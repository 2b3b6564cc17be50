"""The table of a node's activations: a name in a graph file → a function of torch.

Adding an activation is one row here: `module:function`, a single operator of torch that
acts on each value alone. Reading the table does not import torch.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NO_ACTIVATION = "none"

ACTIVATIONS: dict[str, str] = {
    NO_ACTIVATION: "",
    "relu": "torch.nn.functional:relu",
    "gelu": "torch.nn.functional:gelu",
    "silu": "torch.nn.functional:silu",
    "hardswish": "torch.nn.functional:hardswish",
    "tanh": "torch:tanh",
    "sigmoid": "torch:sigmoid",
}


def activation_function(name: str) -> Callable[[Tensor], Tensor] | None:
    """The function of an activation, None for `none`; imports torch."""
    return None if name == NO_ACTIVATION else _resolved(ACTIVATIONS[name])


@cache
def _resolved(code: str) -> Callable[[Tensor], Tensor]:
    function: Callable[[Tensor], Tensor] = pkgutil.resolve_name(code)
    return function
