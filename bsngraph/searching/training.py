"""Training the weights of one network with every edge kept: hand-made nets, and the chosen network's fine-tuning."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.errors import RunFailedError
from bsngraph.searching.evaluation import RouteCache, device_of, evaluate_net
from bsngraph.searching.progress import Progress
from bsngraph.searching.randomness import generator_for, global_generator
from bsngraph.searching.run_folder import Json
from bsngraph.searching.settings import Recipe
from bsngraph.supernet import Route, SuperNet
from bsngraph.tasks import Outputs, first, task_of
from bsngraph.training.forward import run_net
from bsngraph.training.layout import lay_out


def make_optimizer(net: SuperNet, recipe: Recipe) -> torch.optim.SGD:
    """SGD as the recipe has it; Nesterov's form of momentum only where there is momentum."""
    return torch.optim.SGD(
        [{"params": list(net.parameters())}],  # as a group it may be empty: a fabric need not have weights
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov and recipe.momentum > 0,
    )


def training_outputs(net: SuperNet, inputs: Tensor, route: Route, recipe: Recipe) -> Outputs:
    """What each target gives for a batch in a training step; the pass is in the recipe's precision, its results are not."""
    if recipe.precision == "float32":
        return run_net(net, inputs, route)
    with torch.autocast(inputs.device.type, getattr(torch, recipe.precision)):
        outputs = run_net(net, inputs, route)
    return outputs.float() if isinstance(outputs, Tensor) else {name: value.float() for name, value in outputs.items()}


def step_weights(net: SuperNet, optimizer: torch.optim.Optimizer, loss: Tensor, recipe: Recipe) -> None:
    """One step down the gradient of `loss`, its norm clipped as the recipe has it."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
    optimizer.step()


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class NetTraining:
    """A network on its way through a recipe. `epoch` of them are done."""

    def __init__(self, net: SuperNet, dataset: Dataset, recipe: Recipe, seed: int, stage: str) -> None:
        self.net, self.dataset, self.recipe, self.seed, self.stage = net, dataset, recipe, seed, stage
        self.task = task_of(dataset, recipe.class_weights, device_of(net))
        lay_out(net)
        self.optimizer = make_optimizer(net, recipe)
        self.epoch = 0

    def state(self) -> Json:
        """Everything needed to go on exactly."""
        return {"epoch": self.epoch, "net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: Json) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = int(state["epoch"])

    def run(self, progress: Progress, after_epoch: Callable[[Json], None]) -> None:
        """Train to the end of the recipe, calling `after_epoch` with each epoch's metrics.

        Raises:
            RunFailedError: the loss is not finite any more.
        """
        progress.stage(self.stage, self.recipe.epochs, self.epoch)
        while self.epoch < self.recipe.epochs:
            with global_generator(self.seed, self.stage, "global", self.epoch):
                row = self._epoch()
            self.epoch += 1
            after_epoch(row)
            progress.epoch(row)

    def _epoch(self) -> dict[str, Any]:
        start = time.perf_counter()
        set_rate(self.optimizer, self.recipe.rate(self.epoch))
        everything = np.ones(len(self.net.fabric.edges), dtype=np.bool_)
        routes = RouteCache(self.net, everything)
        generator = generator_for(self.seed, self.stage, "batches", self.epoch)
        loss_sum, count, meter = torch.zeros((), dtype=torch.float64, device=device_of(self.net)), 0, self.task.meter()
        self.net.train()
        for inputs, labels in self.dataset.training_batches(self.recipe.batch_size, generator, augment=self.recipe.augment):
            outputs = training_outputs(self.net, inputs, routes(len(labels)), self.recipe)
            loss = self.task.example_losses(outputs, labels).mean()
            if loss.requires_grad:
                step_weights(self.net, self.optimizer, loss, self.recipe)
            loss_sum += loss.detach().double() * len(labels)  # read once, at the end: reading it here would wait for a GPU
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


def prefixed(split: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as a line of metrics.jsonl names them: `validation_accuracy`."""
    return {f"{split}_{name}": value for name, value in metrics.items()}


def check_finite(loss: float, stage: str, epoch: int) -> None:
    """Stop at a loss that is not finite.

    Raises:
        RunFailedError: it is not; the text says when and what to try.
    """
    if not np.isfinite(loss):
        when = f"the loss is {loss} in epoch {epoch + 1} of the {stage}"
        kept = "the checkpoint of the epoch before is kept" if epoch else "nothing was learned yet"
        raise RunFailedError(f"{when}: try a smaller --learning-rate; {kept}")
