"""Training the weights of one network with every edge kept: hand-made nets, and the
chosen network's fine-tuning.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import (
    OptimizerState,
    decode_state,
    load_optimizer,
    restore_optimizer,
    restore_weights,
)
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task, first, task_of
from bsngraph.training.evaluation import RouteCache, evaluate_net
from bsngraph.training.forward import device_of, training_outputs
from bsngraph.training.layout import lay_out
from bsngraph.training.progress import Progress
from bsngraph.training.randomness import generator_for, global_generator
from bsngraph.training.steps import check_finite, make_optimizer, prefixed, set_rate, step_weights
from bsngraph.typed_files import Count


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A training between two epochs: everything needed to go on exactly."""

    epoch: Count
    net: dict[str, Tensor]
    optimizer: OptimizerState

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        return {"epoch": self.epoch, "net": self.net, "optimizer": self.optimizer.plain()}

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> TrainingState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, TrainingState, file)


class NetTraining:
    """A network on its way through a recipe. `epoch` of its epochs are done.

    `task` is that of the data and the recipe, made here unless it is known.
    """

    def __init__(
        self, net: SuperNet, dataset: Dataset, recipe: Recipe, seed: int, stage: str, task: Task | None = None
    ) -> None:
        self.net, self.dataset, self.recipe, self.seed, self.stage = net, dataset, recipe, seed, stage
        self.task = task or task_of(dataset, recipe.class_weights, device_of(net))
        lay_out(net)
        self.optimizer = make_optimizer(net, recipe)
        self.epoch = 0

    def state(self) -> TrainingState:
        """Everything needed to go on exactly."""
        return TrainingState(self.epoch, self.net.state_dict(), OptimizerState(**self.optimizer.state_dict()))

    def load(self, state: TrainingState, file: Path) -> None:
        """Go on from the state that `file` held.

        Raises:
            InputError: it is of another network or optimizer.
        """
        restore_weights(self.net, state.net, file)
        restore_optimizer(self.optimizer, state.optimizer, file)
        self.epoch = state.epoch

    def go_on_from(self, state: TrainingState) -> None:
        """Go on from a copy of a state that this network had."""
        self.net.load_state_dict(state.net)
        load_optimizer(self.optimizer, copy.deepcopy(state.optimizer))
        self.epoch = state.epoch

    def run(self, progress: Progress, after_epoch: Callable[[Json], None]) -> None:
        """Train to the end of the recipe, calling `after_epoch` with each epoch's
        metrics.

        Raises:
            RunFailedError: the loss is not finite any more.
        """
        progress.stage(self.stage, self.recipe.epochs, self.epoch)
        while self.epoch < self.recipe.epochs:
            row = self.run_epoch()
            after_epoch(row)
            progress.epoch(row)

    def run_epoch(self) -> Json:
        """Train for one epoch: its metrics.

        Raises:
            RunFailedError: the loss is not finite any more.
        """
        with global_generator(self.seed, self.stage, "global", self.epoch):
            row = self._epoch()
        self.epoch += 1
        return row

    def _epoch(self) -> dict[str, Any]:
        start = time.perf_counter()
        set_rate(self.optimizer, self.recipe.rate(self.epoch))
        everything = np.ones(len(self.net.fabric.edges), dtype=np.bool_)
        routes = RouteCache(self.net, everything)
        generator = generator_for(self.seed, self.stage, "batches", self.epoch)
        loss_sum = torch.zeros((), dtype=torch.float64, device=device_of(self.net))
        count, meter = 0, self.task.meter()
        batches = self.dataset.training_batches(
            self.recipe.batch_size, generator, augment=self.recipe.augment
        )
        self.net.train()
        for inputs, labels in batches:
            outputs = training_outputs(self.net, inputs, routes(len(labels)), self.recipe)
            loss = self.task.example_losses(outputs, labels).mean()
            if loss.requires_grad:
                step_weights(self.optimizer, loss, self.recipe)
            # read once, at the end: reading it here would wait for a GPU
            loss_sum += loss.detach().double() * len(labels)
            meter.update(first(outputs).detach(), labels)
            count += len(labels)
        check_finite(float(loss_sum), self.stage, self.epoch)
        validation = evaluate_net(self.net, self.dataset, self.dataset.validation, everything, self.task)
        check_finite(validation.loss, self.stage, self.epoch)
        return {
            "stage": self.stage,
            "epoch": self.epoch + 1,
            "train_loss": float(loss_sum) / count,
            **prefixed("train", meter.measured().metrics),
            "validation_loss": validation.loss,
            **prefixed("validation", validation.metrics),
            "learning_rate": self.recipe.rate(self.epoch),
            "seconds": time.perf_counter() - start,
        }
