"""Training chosen networks further, before they are delivered: one, or those of a front
one after another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import check_tensors, decode_state
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.deliverable import Deliverable, deliverable_of, with_weights
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import prune_net
from bsngraph.training import NetTraining, Progress, TrainingState, lay_out
from bsngraph.typed_files import CURE, Count

Live = tuple[Count, ...]


@dataclass(frozen=True, eq=False)
class FineTuningState:
    """Fine-tuning between two epochs: the live edges of the network, and its training.

    Of a front `networks` are the live edges of all its networks in their order, and
    `ended` the weights of those that come before this one.
    """

    live: Live
    training: TrainingState
    networks: tuple[Live, ...] = ()
    ended: tuple[dict[str, Tensor], ...] = ()

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        state: dict[str, Any] = {"live": list(self.live), "training": self.training.to_checkpoint()}
        if self.networks:
            state |= {"networks": [list(each) for each in self.networks], "ended": list(self.ended)}
        return state

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> FineTuningState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, FineTuningState, file)


def fine_tune(
    job: Job, learned: Learning, chosen: Sequence[Chosen], log: RunLog, progress: Progress
) -> tuple[Deliverable, ...]:
    """The chosen networks, each trained for `finetune_epochs` at `finetune_rate`; as
    they are if these are none.

    Raises:
        RunFailedError: the loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another network.
    """
    if not job.settings.finetune_epochs:
        return tuple(deliverable_of(job, learned.net, each, progress) for each in chosen)
    saved, file = log.checkpoint.finetune, log.file
    before = None if saved is None else FineTuningState.from_checkpoint(saved, file)
    ended = () if before is None else before.ended
    ready = [
        with_weights(learned.net, each.architecture, weights, "fine-tuned")
        for each, weights in zip(chosen, ended, strict=False)
    ]
    for one in ready:
        lay_out(one.net)  # as those are that were trained just now
    epochs = job.settings.finetune_epochs
    begun = 0 if before is None else before.training.epoch
    progress.stage("finetune", len(chosen) * epochs, len(ended) * epochs + begun)
    for each in chosen[len(ended) :]:
        if len(chosen) > 1:
            progress.note(f"fine-tuning network {len(ready) + 1} of {len(chosen)} of the front …")
        start = deliverable_of(job, learned.net, each, progress)
        recipe = replace(job.recipe, epochs=epochs, learning_rate=job.settings.finetune_rate)
        training = NetTraining(start.net, job.dataset, recipe, job.seed, "finetune")
        if before is not None:
            training.load(before.training, file)
            before = None
        keeper = _Keeper(learned, log, tuple(one.architecture.live for one in chosen), ended, training)
        training.run(_PartOfStage(progress, len(ended) * epochs), keeper.keep)
        ready.append(replace(start, weights="fine-tuned"))
        ended = (*ended, copy.deepcopy(training.net.state_dict()))
    return tuple(ready)


@dataclass(frozen=True, eq=False)
class _PartOfStage:
    """Shows the epochs of a network as those of one stage, after `ended` others."""

    progress: Progress
    ended: int

    def stage(self, name: str, epochs: int, done: int) -> None:
        """The stage of all networks has begun already."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.progress.epoch({**row, "epoch": self.ended + row["epoch"]})

    def note(self, text: str) -> None:
        self.progress.note(text)


@dataclass(frozen=True, eq=False)
class _Keeper:
    """Keeps the epochs of the network after those that `ended`."""

    learned: Learning
    log: RunLog
    networks: tuple[Live, ...]
    ended: tuple[dict[str, Tensor], ...]
    training: NetTraining

    def keep(self, row: Json) -> None:
        """Write an epoch's metrics and what resuming needs."""
        number, several = len(self.ended), len(self.networks) > 1
        state = FineTuningState(
            self.networks[number], self.training.state(), self.networks if several else (), self.ended
        )
        more = {"network": number + 1} if several else {}
        search = self.learned.state().to_checkpoint()
        self.log.keep(row | more, search=search, finetune=state.to_checkpoint())


def chosen_before(
    job: Job, learned: Learning, log: RunLog, alone: Iterable[Chosen]
) -> tuple[Chosen, ...] | None:
    """What had been chosen when the run was interrupted in its fine-tuning; `alone` are
    networks that have weights of their own.

    Raises:
        InputError: the checkpoint is of another fabric, or of other networks.
    """
    if log.checkpoint.finetune is None:
        return None
    file = log.file
    state = FineTuningState.from_checkpoint(log.checkpoint.finetune, file)
    networks = [architecture_in(job.fabric, live, file) for live in state.networks or (state.live,)]
    number = len(state.ended)
    if number >= len(networks) or networks[number].live != state.live:
        raise InputError(f"{file}: its networks are not those of a fine-tuning: {CURE}")
    for architecture, weights in zip(networks, state.ended, strict=False):
        check_tensors(prune_net(learned.net, architecture).state_dict(), weights, file)
    own = {each.architecture: each for each in alone}
    return tuple(own.get(each, Chosen(each)) for each in networks)
