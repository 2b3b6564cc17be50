"""How often a step of a search waits for a GPU: once, where Γ's gradient needs the
losses. Here by the operations that would make the host wait, and on a GPU by torch's
own warnings.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import STRIPES_NORM, fabric_of, recipe, settings, stripes
from torch.utils._python_dispatch import TorchDispatchMode

from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.data import Augmentation
from bsngraph.searching.learning.epoch_totals import EpochTotals
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.searching.learning.step import LearnState, draw_samples, learn_step
from bsngraph.supernet import compile_fabric
from bsngraph.tasks import task_of
from bsngraph.training import apply_gradients, make_optimizer

#: What gives the host a number, or a size that only the device knows.
WAITING = {
    *("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "bincount", "item"),
    *("_unique2", "unique_dim", "unique_consecutive", "repeat_interleave", "argwhere", "one_hot"),
}

#: Numbers that lie on the host wherever the network is: the count of Γ's own optimizer;
#: with mixup the seed of its shares. torch checks one-hot labels twice, on a CPU alone.
ON_HOST = {"plain": 1, "moved": 1, "cut out and mixed": 1 + 1 + 2}

AUGMENTATIONS = {
    "plain": Augmentation(),
    "moved": Augmentation(shift=1, flip=True),
    "cut out and mixed": Augmentation(cutout=2, mixup=0.4),
}


class Waits(TorchDispatchMode):
    """Counts the operations that would make the host wait for a device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name in ("index", "index_put", "index_put_") and any(
            part is not None and part.dtype in (torch.bool, torch.uint8) for part in args[1]
        )
        if name in WAITING or by_mask:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


def steps_of(folder: Path, device: str, augmentation: Augmentation) -> Iterator[None]:
    """Step after step of a search, from row numbers to moved weights, Γ and totals."""
    where = torch.device(device)
    net = compile_fabric(fabric_of(STRIPES_NORM, folder), seed=0).train().to(where)
    budgets = resolve_budgets(net.profile, [parse_budget("price=3")])
    how, learning, limits = settings(), recipe(), budgets.limits[:, None]
    data = stripes().with_augmentation(augmentation).to(where)
    gamma, multipliers = Gamma(net.fabric, 0.7), Multipliers(budgets, how)
    task, optimizer = task_of(data, device=where), make_optimizer(net, learning)
    totals = EpochTotals.empty(net.fabric, task.meter(), where)
    generator = torch.Generator().manual_seed(0)
    rows = data.training_rows(16, generator)
    for inputs, labels in data.made_batches(rows, repeat(generator), augment=True):
        logits = gamma.at(limits)
        samples = draw_samples(logits, len(labels), 0.25, generator)
        state = LearnState(
            net, logits, task, budgets, limits, multipliers.penalty_of(), learning, how, gamma_learns=True
        )
        outcome = learn_step(state, inputs, labels, samples)
        totals.add(outcome, labels[: samples.drawn], limits)
        assert outcome.weight_gradients is not None
        assert outcome.gamma_gradient is not None
        apply_gradients(optimizer, outcome.weight_gradients, learning)
        gamma.step(outcome.gamma_gradient)
        multipliers.adapt(outcome.costs, limits, logits.mix)
        yield


@pytest.mark.parametrize("how", AUGMENTATIONS)
def test_a_step_asks_the_device_for_no_number_but_the_losses(tmp_path: Path, how: str) -> None:
    steps = steps_of(tmp_path, "cpu", AUGMENTATIONS[how])
    next(steps)
    with Waits() as waits:
        next(steps)
    assert waits.found == {"_local_scalar_dense": ON_HOST[how]}


def test_what_asks_for_a_number_is_seen() -> None:
    values = torch.arange(4.0)
    with Waits() as waits:
        float(values.sum())
        values[values > 1]
        torch.nonzero(values)
    assert waits.found == {"_local_scalar_dense": 1, "index": 1, "nonzero": 1}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("how", AUGMENTATIONS)
def test_a_step_on_a_gpu_waits_for_it_once(tmp_path: Path, how: str) -> None:
    steps = steps_of(tmp_path, "cuda", AUGMENTATIONS[how])
    next(steps)
    next(steps)  # memory and streams are there
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            next(steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    waits = [str(warning.message) for warning in said if "synchronizing" in str(warning.message)]
    assert len(waits) <= 1, waits
