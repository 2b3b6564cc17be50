"""checkpoint.pt: everything needed to go on with a run exactly.

A checkpoint is read in two steps. `load_checkpoint` loads it without executing
anything, and says how far the run had come. `decode_state` makes a stage's part of it a
frozen, typed state; the stage that owns the type calls it. `restore_weights` and
`restore_optimizer` then take over tensors that fit, and refuse others.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from torch import Tensor, nn

from bsngraph.errors import InputError
from bsngraph.runs.checkpoint_archive import check_archive
from bsngraph.runs.run_folder import RunFolder
from bsngraph.typed_files import CURE, Amount, Count, Row, decode_value
from bsngraph.whole_files import check_regular, write_whole

_T = TypeVar("_T")

STAGES = ("search", "finalists", "finetune", "training")
_MOST_VALUES = 500_000
_PLAIN = (str, int, float, bool, bytes, type(None))

# What torch's optimizers keep of a group of parameters beside the rates.
Option = bool | int | float | str | tuple[int | float, ...] | None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of metrics.jsonl count, the seconds of the run so far, and each
    stage's state as it was saved, None where it had not begun: for `decode_state`.
    """

    rows: int = 0
    seconds: float = 0.0
    search: Any = None
    finalists: Any = None
    finetune: Any = None
    training: Any = None


class OptimizerState(Row, frozen=True, kw_only=True):
    """What `Optimizer.state_dict` gives, typed: options of each group, tensors of each
    parameter by its number.
    """

    state: dict[int, dict[str, Tensor | None]]
    param_groups: list[dict[str, Option]]

    def plain(self) -> dict[str, Any]:
        """As torch has it, and as checkpoint.pt holds it."""
        return {"state": self.state, "param_groups": self.param_groups}


class _Progress(Row, frozen=True, kw_only=True):
    rows: Count
    seconds: Amount


def write_checkpoint(run: RunFolder, state: Mapping[str, Any]) -> None:
    """Write checkpoint.pt: tensors and plain values only, for weights_only=True."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write_whole(run.file("checkpoint.pt"), buffer.getvalue())


def load_checkpoint(run: RunFolder, device: torch.device | str = "cpu") -> Checkpoint:
    """Read checkpoint.pt.

    Raises:
        InputError: it is not there, cannot be read, or is no checkpoint.
    """
    path = run.file("checkpoint.pt")
    if path.exists():
        check_regular(path)
    try:
        check_archive(path)
        found = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no checkpoint: is {run.path} a run folder?") from None
    except InputError:
        raise
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: cannot be read as a checkpoint ({type(error).__name__}): {CURE}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected an object, got {type(found).__name__} at $: {CURE}")
    progress = decode_state(
        {name: value for name, value in found.items() if name not in STAGES}, _Progress, path
    )
    stages = {name: found[name] for name in STAGES if name in found}
    return Checkpoint(rows=progress.rows, seconds=progress.seconds, **stages)


def decode_state(value: object, kind: type[_T], file: Path) -> _T:
    """A stage's part of the checkpoint in `file` as a value of its type: frozen
    dataclasses and structs of numbers, texts, tuples, mappings and `Tensor`s.

    Tensors are passed through as they are, where the type says `Tensor` or
    `Tensor | None`; `Any` and `object` must not stand in it. Tensors of an optimizer or
    a network are checked when they are restored.

    Raises:
        InputError: it is of another type; the text names the place.
    """
    try:
        held = _hold(value, [_MOST_VALUES])
    except RecursionError:
        raise InputError(f"{file}: is nested too deeply at $: {CURE}") from None
    except UnicodeEncodeError:
        raise InputError(f"{file}: holds a text that is none at $: {CURE}") from None
    except OverflowError:
        raise InputError(f"{file}: holds more than {_MOST_VALUES} values at $: {CURE}") from None
    return decode_value(held, kind, str(file), hook=_released)


class _Held:
    """Keeps msgspec from looking into a tensor."""

    def __init__(self, value: object) -> None:
        self.value = value


@functools.cache
def _holder(kind: type) -> type[_Held]:
    """A class of its own for each kind of value, since errors name it."""
    return type(kind.__name__, (_Held,), {})


def _hold(value: object, left: list[int]) -> object:
    """Plain values as they are, all else in a `_Held`; `left` values may follow."""
    left[0] -= 1
    if left[0] < 0:
        raise OverflowError
    if isinstance(value, dict):
        return {_hold(key, left): _hold(inner, left) for key, inner in value.items()}
    if isinstance(value, str):
        value.encode("utf-8")
    if type(value) in (list, tuple):
        return [_hold(inner, left) for inner in value]  # type: ignore[attr-defined]
    kind: Any = type(value)
    return value if isinstance(value, _PLAIN) else _holder(kind)(value)


def _released(kind: type, value: object) -> object:
    """For msgspec: what is held, where it is of the type."""
    found = value.value if isinstance(value, _Held) else value
    if not isinstance(found, kind):
        raise TypeError(f"Expected `{kind.__name__}`, got `{type(found).__name__}`")
    return found


# --- tensors


def check_tensors(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], file: Path) -> None:
    """Raise where tensors of a file are not those that are expected, by name: of the
    same shapes and number types, and finite.

    Raises:
        InputError: which tensor is not, and what it is instead.
    """
    for name, mine in expected.items():
        theirs = found.get(name)
        wrong = "is missing" if theirs is None else _difference(mine, theirs)
        if wrong:
            raise InputError(f"{file}: the weights do not fit the network: {name} {wrong}")
    unknown = sorted(found.keys() - expected.keys())
    if unknown:
        raise InputError(f"{file}: the weights do not fit the network: it has no {unknown[0]}")


def restore_weights(module: nn.Module, weights: Mapping[str, Tensor], file: Path) -> None:
    """Give a module the weights of a file.

    Raises:
        InputError: they do not fit, or are not finite.
    """
    check_tensors(module.state_dict(), weights, file)
    module.load_state_dict(dict(weights))


def restore_optimizer(optimizer: torch.optim.Optimizer, state: OptimizerState, file: Path) -> None:
    """Give an optimizer the state of a file, its rates included.

    Raises:
        InputError: it is of another optimizer, of other parameters, or not finite.
    """
    mine = optimizer.state_dict()["param_groups"]
    rates = [group.get("lr") for group in state.param_groups]
    if not all(isinstance(rate, float) and 0 <= rate < math.inf for rate in rates) or (
        [_fixed(group) for group in mine] != [_fixed(group) for group in state.param_groups]
    ):
        raise InputError(f"{file}: the optimizer's settings are not those of the run: {CURE}")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, tensors in state.state.items():
        if not 0 <= number < len(parameters):
            raise InputError(f"{file}: the optimizer has no parameter {number}: {CURE}")
        parameter = parameters[number]
        for name, tensor in tensors.items():
            wrong = None if tensor is None or not tensor.dim() else _difference(parameter, tensor)
            if wrong:
                raise InputError(f"{file}: {name} of the optimizer's parameter {number} {wrong}: {CURE}")
    load_optimizer(optimizer, state)


def load_optimizer(optimizer: torch.optim.Optimizer, state: OptimizerState) -> None:
    """Give an optimizer a state that fits, its tensors lying in memory as their
    parameters do.

    torch's fused optimizers go through these side by side, whatever the strides say.
    """
    optimizer.load_state_dict(state.plain())
    for parameter, tensors in optimizer.state.items():
        for name, tensor in tensors.items():
            if tensor is not None and tensor.dim():
                tensors[name] = torch.empty_like(parameter).copy_(tensor)


def _fixed(group: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a group that training does not change, and that matter to it."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in group.items()
        if name not in ("lr", "fused")
    }


def _difference(mine: Tensor, theirs: Tensor) -> str | None:
    """What keeps a tensor from taking another's place."""
    if theirs.shape != mine.shape:
        return f"is of shape {tuple(theirs.shape)}, not {tuple(mine.shape)}"
    if theirs.dtype != mine.dtype:
        return f"is of {theirs.dtype}, not {mine.dtype}"
    if theirs.layout != torch.strided or theirs.is_meta:
        return "is no plain tensor"
    if theirs.is_floating_point() and not bool(theirs.isfinite().all()):
        return "has a number that is not finite"
    return None
