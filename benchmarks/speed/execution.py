"""Sampled execution against dense-and-mask: seconds of a full training step.

A step is sampling, live edges, forward, backward, costs, the policy gradient and both
optimizers. The ways are measured in turn in one run, and the median of the ratios is
reported. Sampled runs in channels_last and steps as training does; dense in NCHW and
with torch's plain optimizer, as the first code does, and with all that makes sampled
steps faster and can be had without sampling: channels_last, strided 1x1 convolutions
that get the pixels alone that they read, and the optimizer's one fused call. All warm
up for as many steps: early ones are slower, and get their memory page by page.

    python -m benchmarks execution [--quick] [--repeats 7] [--device cuda] [--threads 1]
"""

from __future__ import annotations

from collections.abc import Callable

import click
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds, ratio
from benchmarks.shared.options import (
    device_option,
    quick_option,
    repeats_of,
    repeats_option,
    threads_option,
)
from benchmarks.shared.tables import newest_table
from benchmarks.speed.dense_reference import DenseMasked
from bsngraph.costs import price
from bsngraph.fabric import Fabric
from bsngraph.fabric.families import cnf_fabric, resnet_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.gamma.policy_gradient import policy_gradient
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.training import make_optimizer, step_weights

BATCH = 64
WARM = 40
PROBABILITIES = (0.95, 0.75, 0.5, 0.2)
NO_LIMITS = np.zeros((0, 1))  # of no budgets: Γ is the same under all of them
RECIPE = Recipe(learning_rate=1e-6)
TABLES = {"execution": newest_table("threads", "fabric", "p")}


def fabrics() -> dict[str, Fabric]:
    return {
        "ResNet Fabric 3x3, 16/32/64": resnet_fabric(input_shape=(3, 32, 32), classes=10),
        "CNF, 6 layers, 16 channels": cnf_fabric(input_shape=(3, 32, 32), classes=10, layers=6, channels=16),
    }


class Steps:
    """One fabric with data.

    `sampled`, `dense` and `dense_last` (with the channels last) are one training step
    each, of a network of its own each.
    """

    def __init__(self, fabric: Fabric, device: torch.device | str, probability: float) -> None:
        profile = profile_fabric(fabric)
        self.fabric, self.device = fabric, torch.device(device)
        self.macs = price(profile, "macs")
        self.net: SuperNet = compile_fabric(profile, seed=0).to(
            self.device, memory_format=torch.channels_last
        )
        self.reference = DenseMasked(compile_fabric(profile, seed=0).to(self.device))
        fast = compile_fabric(profile, seed=0).to(self.device, memory_format=torch.channels_last)
        self.fast_reference = DenseMasked(fast, last=True)
        self.gamma = Gamma(fabric, probability, rate=1e-9)
        self.generator = torch.Generator()
        self.inputs = torch.randn(BATCH, *profile.node_shapes[fabric.source_indices[0]], device=self.device)
        self.fast_inputs = self.inputs.to(memory_format=torch.channels_last)
        self.labels = torch.randint(
            profile.node_shapes[fabric.target_indices[0]][0], (BATCH,), device=self.device
        )
        self.optimizer = make_optimizer(self.net, RECIPE)
        self.fast_optimizer = make_optimizer(fast, RECIPE)
        self.plain_optimizer = torch.optim.SGD(self.reference.parameters(), lr=1e-6, momentum=0.9)

    def sampled(self) -> None:
        logits = self.gamma.at(NO_LIMITS)
        kept = logits.sample(BATCH, self.generator)
        route = self.net.route(kept, self.device)
        losses = functional.cross_entropy(self.net(self.fast_inputs, route), self.labels, reduction="none")
        if losses.requires_grad:  # not so where no example of the batch reaches the target
            step_weights(self.optimizer, losses.mean(), RECIPE)
        objective = losses.detach().cpu().double() + torch.from_numpy(
            self.macs.of(route.live) / self.macs.total
        )
        self.gamma.step(policy_gradient(logits, kept, objective, "leave-one-out"))

    def dense(self) -> None:
        def update(loss: Tensor) -> None:
            self.plain_optimizer.zero_grad()
            loss.backward()
            self.plain_optimizer.step()

        self._dense(self.reference, self.inputs, update)

    def dense_last(self) -> None:
        self._dense(
            self.fast_reference,
            self.fast_inputs,
            lambda loss: step_weights(self.fast_optimizer, loss, RECIPE),
        )

    def _dense(self, net: DenseMasked, inputs: Tensor, update: Callable[[Tensor], None]) -> None:
        gamma = self.gamma.at(NO_LIMITS).probabilities.to(self.device)
        kept = torch.rand(BATCH, len(gamma), dtype=torch.float64, device=self.device) < gamma
        live = net.live(kept)
        losses = functional.cross_entropy(net(inputs, live), self.labels, reduction="none")
        update(losses.mean())
        objective = (
            losses.detach().double()
            + live.double() @ torch.from_numpy(self.macs.per_edge).to(self.device) / self.macs.total
        )
        advantage = (objective - objective.mean()) * BATCH / (BATCH - 1)
        searchable = torch.tensor([not edge.fixed for edge in self.fabric.edges], device=self.device)
        self.gamma.step((advantage @ (kept.double() - gamma) * searchable / BATCH).cpu())

    def live_share(self) -> float:
        """The share of the MACs that samples run, on average."""
        kept = self.gamma.at(NO_LIMITS).sample(4096, torch.Generator().manual_seed(0))
        return float(self.macs.of(self.net.route(kept).live).mean() / self.macs.total)


@click.command("execution")
@quick_option
@repeats_option
@device_option
@threads_option
@click.option("--fabric", type=click.Choice(["resnet", "cnf"]), help="One of the two; both if not given.")
@click.option(
    "--probability", type=float, multiple=True, help="Of an edge; may be repeated; four if not given."
)
def command(
    quick: bool,
    repeats: int | None,
    device: str,
    threads: int,
    fabric: str | None,
    probability: tuple[float, ...],
) -> None:
    """Measure a sampled training step against dense-and-mask.

    Example: python -m benchmarks execution --quick
    """
    rounds = repeats_of(repeats, quick=quick)
    torch.set_num_threads(threads)
    chosen = {name: one for name, one in fabrics().items() if name.lower().startswith(fabric or "")}
    for name, one in chosen.items():
        for p in probability or (PROBABILITIES[::2] if quick else PROBABILITIES):
            torch.manual_seed(0)
            steps = Steps(one, device, p)
            ways = [steps.dense, steps.dense_last, steps.sampled]
            dense, last, sampled = in_turn(ways, rounds, device, warm=2 if quick else WARM)
            row = {
                "threads": threads,
                "fabric": name,
                "p": p,
                "live share": steps.live_share(),
                "dense ms": milliseconds(dense),
                "channels last ms": milliseconds(last),
                "sampled ms": milliseconds(sampled),
                "ratio": ratio(dense, sampled),
                "over channels last": ratio(last, sampled),
            }
            keep("execution", [row], quick=quick)
