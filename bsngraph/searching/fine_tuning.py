"""Training the chosen network further, before it is delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bsngraph.runs import Json
from bsngraph.runs.checkpoint import decode_state
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen, starting_net
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import NetTraining, Progress, TrainingState
from bsngraph.typed_files import Count


@dataclass(frozen=True, eq=False)
class FineTuningState:
    """Fine-tuning between two epochs: the live edges of the network, and its
    training.
    """

    live: tuple[Count, ...]
    training: TrainingState

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        return {"live": list(self.live), "training": self.training.to_checkpoint()}

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> FineTuningState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, FineTuningState, file)


def fine_tune(job: Job, learned: Learning, chosen: Chosen, log: RunLog, progress: Progress) -> SuperNet:
    """The chosen network, trained for `finetune_epochs` at `finetune_rate`.

    Raises:
        RunFailedError: the loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another network.
    """
    net = starting_net(job, learned.net, chosen, progress)
    if not job.settings.finetune_epochs:
        return net
    recipe = replace(
        job.recipe, epochs=job.settings.finetune_epochs, learning_rate=job.settings.finetune_rate
    )
    training = NetTraining(net, job.dataset, recipe, job.seed, "finetune")
    if log.checkpoint.finetune is not None:
        training.load(FineTuningState.from_checkpoint(log.checkpoint.finetune, log.file).training, log.file)

    def keep(row: Json) -> None:
        state = FineTuningState(chosen.architecture.live, training.state())
        log.keep(row, search=learned.state().to_checkpoint(), finetune=state.to_checkpoint())

    training.run(progress, keep)
    return net


def chosen_before(job: Job, log: RunLog) -> Chosen | None:
    """What had been chosen when the run was interrupted in its fine-tuning.

    Raises:
        InputError: the checkpoint is of another fabric.
    """
    if log.checkpoint.finetune is None:
        return None
    state = FineTuningState.from_checkpoint(log.checkpoint.finetune, log.file)
    return Chosen(architecture_in(job.fabric, state.live, log.file))
