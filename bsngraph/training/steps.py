"""One step of a network's weights, and what every training epoch shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bsngraph.errors import RunFailedError
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet

# How AdamW averages squared gradients: as torch has it.
_SECOND_BETA = 0.999


def make_optimizer(net: SuperNet, recipe: Recipe) -> torch.optim.SGD | torch.optim.AdamW:
    """SGD or AdamW as the recipe has it; Nesterov's form of momentum only where there
    is momentum.

    Both decay every parameter that a step has a gradient for, and leave alone those of
    edges that no example of the step ran. `apply_gradients` makes their steps.
    """
    # as a group it may be empty: a fabric need not have weights
    group = [{"params": list(net.parameters())}]
    if recipe.optimizer == "adamw":
        betas = recipe.momentum, _SECOND_BETA
        return torch.optim.AdamW(
            group, lr=recipe.learning_rate, betas=betas, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.SGD(
        group,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov and recipe.momentum > 0,
        fused=True,
    )


def apply_gradients(
    optimizer: torch.optim.Optimizer, gradients: Sequence[Tensor | None], recipe: Recipe
) -> None:
    """One step of an optimizer's parameters down `gradients`, with their norm clipped.

    There is a gradient for each parameter, in their order. None leaves a parameter as
    it is.
    """
    parameters = optimizer.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else _made_ready(gradient, parameter, optimizer)
    torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
    optimizer.step()


def _made_ready(gradient: Tensor, parameter: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
    """The gradient of a parameter as torch's fused optimizers need it (torch 2.13).

    They go through the memory of both side by side, whatever the strides say. SGD's
    fails at a parameter without momentum beside others that have it, as happens to the
    weights of edges that no example of the first steps ran.
    """
    if optimizer.defaults.get("momentum") and parameter not in optimizer.state:
        optimizer.state[parameter] = {"momentum_buffer": torch.zeros_like(parameter)}
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def step_weights(optimizer: torch.optim.Optimizer, loss: Tensor, recipe: Recipe) -> None:
    """One step of an optimizer's parameters down the gradient of `loss` ()."""
    parameters = optimizer.param_groups[0]["params"]
    apply_gradients(optimizer, torch.autograd.grad(loss, parameters, allow_unused=True), recipe)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


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
