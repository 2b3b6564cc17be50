"""Trying a user's operation out, on a small batch, before it is accepted.

The trial does once what a search will do.

In: how to build its module, the shape of one example, the shape that comes out. Out:
nothing, or an `OperationRefusedError` that says what is wrong and the cure. It runs in
training and in evaluation mode, on a batch of two and on one live row, twice with the
same seed: on the meta device always, on real numbers where that is small.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from bsngraph.ops.signature import Shape
from bsngraph.ops.user_code.refusal import OperationRefusedError, kind_of, words_of
from bsngraph.wording import shape_text

# What a real trial may take: values of one example, multiply–accumulates, parameters.
MOST_VALUES, MOST_MACS, MOST_PARAMS = 2**20, 2**28, 2**24

_KEEP_TYPE = "give the type of the input back, e.g. with y.to(x.dtype)"
_COPY = "work on a copy, e.g. x.clone(): other edges read the same value"
_ONE_ROW = (
    "an edge may be live for one example of a batch: hold nn.BatchNorm1d, 2d or 3d modules, which are "
    "adapted to that, or another norm"
)
_TORCH_RANDOM = "draw with torch, whose generator a search seeds and restores"
_REPEATABLE = "draw random numbers with torch alone, and keep what must be remembered in buffers"
_APART = "let no example depend on another one in evaluation mode"
_FLOAT = "make it and its buffers real numbers of that type"


@dataclass(frozen=True)
class Trial:
    """What is tried.

    `make` builds the module on the current default device, for one example of `shape`.
    The result of one example must be `outgoing`.
    """

    make: Callable[[], nn.Module]
    shape: Shape
    outgoing: Shape


def try_out(trial: Trial, macs: int, params: int) -> None:
    """Run an operation in every way in which a search does.

    Raises:
        OperationRefusedError: it would break the search or its network.
    """
    values = max(torch.Size(shape).numel() for shape in (trial.shape, trial.outgoing))
    small = values <= MOST_VALUES and macs <= MOST_MACS and params <= MOST_PARAMS
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # what is worth saying is said when the network is built
        for device in ("meta", "cpu") if small else ("meta",):
            with watched_generators():
                _try_on(device, trial)


def _try_on(device: str, trial: Trial) -> None:
    with torch.device(device), contextlib.redirect_stdout(sys.stderr):
        torch.default_generator.manual_seed(0)
        module = trial.make().to(device)
        _check_types(module)
        batch = torch.rand(2, *trial.shape)  # not negative: some look values up
        results = _passes(module, batch, trial)
        if device == "meta":
            return
        repeated = _passes(_twin(trial), batch, trial)
        if not all(_close(one, other) for one, other in zip(results, repeated, strict=True)):
            raise OperationRefusedError(
                "gives another result when it runs again with the same seed of torch", _REPEATABLE
            )
        *_, both, first = results
        if not _close(both[:1], first):
            raise OperationRefusedError("mixes the examples of a batch in evaluation", _APART)


def _twin(trial: Trial) -> nn.Module:
    """The module as it was before it first ran, copied as a network is."""
    torch.default_generator.manual_seed(0)
    module = trial.make()
    try:
        twin = copy.deepcopy(module)
    except Exception as error:
        raise OperationRefusedError(
            f"cannot be copied ({words_of(error)})", "hold tensors as parameters or buffers"
        ) from error
    torch.rand(2, *trial.shape)  # as before the first time
    return twin


def _check_types(module: nn.Module) -> None:
    wanted = torch.get_default_dtype()
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if (tensor.is_floating_point() or tensor.is_complex()) and tensor.dtype != wanted:
            raise OperationRefusedError(
                f"holds {name} of {tensor.dtype}, and all weights of a network are {wanted}", _FLOAT
            )


def _passes(module: nn.Module, batch: Tensor, trial: Trial) -> list[Tensor]:
    """The results of training on 2, 1 and 2 examples, and of evaluating 2 and 1."""
    results = []
    for training, rows in ((True, 2), (True, 1), (True, 2), (False, 2), (False, 1)):
        module.train(training)
        with torch.set_grad_enabled(training):
            results.append(_pass(module, batch[:rows], trial))
    return results


def _pass(module: nn.Module, batch: Tensor, trial: Trial) -> Tensor:
    given = batch.clone().requires_grad_(torch.is_grad_enabled())
    x = given + 0  # what comes in is mostly a result, which autograd lets be changed
    before, version = x.detach().clone(), x._version
    try:
        result = module(x)
        _check_result(result, x, trial)
        if result.requires_grad and not x.is_meta:  # torch cannot run every gradient there
            result.sum().backward()
    except (Exception, SystemExit) as error:
        if isinstance(error, OperationRefusedError):
            raise
        what, cure = f"cannot run on an input of {shape_text(trial.shape)}", None
        if module.training and len(batch) == 1:
            what, cure = "cannot train on a batch of one example", _ONE_ROW
        raise OperationRefusedError(f"{what} ({words_of(error)})", cure) from error
    same = x._version == version and (x.is_meta or _close(x.detach(), before))
    if not same:
        raise OperationRefusedError("changes its input in place", _COPY)
    found: Tensor = result.detach()
    return found


def _check_result(result: object, x: Tensor, trial: Trial) -> None:
    if not isinstance(result, Tensor):
        raise OperationRefusedError(f"must give one tensor, but gives {kind_of(result)}")
    if result.dtype != x.dtype:
        raise OperationRefusedError(f"gives {result.dtype} for an input of {x.dtype}", _KEEP_TYPE)
    wanted = (len(x), *trial.outgoing)
    if tuple(result.shape) != wanted:
        raise OperationRefusedError(
            f"must give {shape_text(wanted)} for a batch of {len(x)}, but gives "
            f"{shape_text(tuple(result.shape))}"
        )


def _close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True)


@contextlib.contextmanager
def watched_generators() -> Iterator[None]:
    """Refuse what draws from the generators of Python or numpy, and restore both.

    A resumed search restores torch's generator alone.

    Raises:
        OperationRefusedError: one of them was drawn from.
    """
    states = random.getstate(), np.random.get_state()
    try:
        yield
        for name, now, then in (
            ("Python's random module", random.getstate(), states[0]),
            ("numpy's global generator", np.random.get_state(), states[1]),
        ):
            if pickle.dumps(now) != pickle.dumps(then):
                raise OperationRefusedError(f"draws from {name}", _TORCH_RANDOM)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
