"""Watching and building modules without loading torch's compiler, which takes as long
to load as all of torch that a count needs.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_FILLING = frozenset(
    {Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_}
)


class OperatorWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch does not type it
    """What sees every operator that runs while it is active.

    torch keeps its compiler out of such modes, and loads it to do so, unless a mode
    says that this is not needed. Nothing is compiled while we count.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class Unfilled(TorchFunctionMode):
    """While it is active, tensors on the meta device are not filled at random.

    They hold no values, so nothing changes, but torch needs its compiler for `normal_`.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func in _FILLING:
            tensor: Tensor = args[0] if args else given["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **given)
