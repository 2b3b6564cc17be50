"""Worlds small enough to enumerate: a fabric, a batch, and what every example pays
under every sample, so that the exact gradient of Γ is known.

What every example pays under every sample (with BatchNorm: under every joint sample of
the batch) is put into a table once. The exact gradient is that of the enumerated
expectation. Weights are trained a little first, with every edge at probability 1/2.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.fabric import live_edges, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric

LAMBDA = 1.0

FIVE = """\
digraph five {
  graph [format=1, source=image, target=scores];
  edge  [op=conv, channels=6, kernel=3, norm=NORM];
  image [input="1x4x4"];
  h     [activation=relu];
  g     [activation=relu];
  image -> h [key=wide];
  image -> h [key=narrow, kernel=1];
  image -> h [key=skip, op=shortcut];
  h -> g [key=mix, kernel=1];
  h -> g [key=skip, op=identity];
  g -> scores [op=classifier, classes=2, fixed=true];
}
"""
THREE = "".join(
    line
    for line in FIVE.splitlines(keepends=True)
    if "key=narrow" not in line and "image -> h [key=skip" not in line
).replace("h -> g [key=skip", "image -> g [op=shortcut];\n  h -> g [key=skip")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """`table` (samples ** batch, batch), or (samples, batch) where an example pays for
    its own sample alone; loss and penalty.
    """

    net: SuperNet
    distribution: EdgeLogits
    inputs: Tensor
    labels: Tensor
    samples: NDArray[np.bool_]  # (samples, edges)
    table: Floats
    joint: bool

    @property
    def batch(self) -> int:
        return len(self.labels)

    @property
    def edges(self) -> list[int]:
        return list(self.net.fabric.searchable)

    def objective(self, kept: NDArray[np.bool_]) -> Floats:
        """Samples (draws, batch, edges) → what each row pays (draws, batch)."""
        codes = kept[..., self.edges] @ (1 << np.arange(len(self.edges))[::-1])
        if not self.joint:
            return self.table[codes, np.arange(self.batch)]
        return self.table[codes @ (len(self.samples) ** np.arange(self.batch)[::-1])]

    def draw(self, draws: int, generator: torch.Generator) -> NDArray[np.bool_]:
        """(draws, batch, edges)."""
        return self.distribution.sample(draws * self.batch, generator).reshape(draws, self.batch, -1)

    def score(self, kept: NDArray[np.bool_]) -> Floats:
        """∂ log p(H)/∂ logit = H − Γ: (draws, batch, searchable)."""
        return (kept - self.distribution.probabilities.numpy())[..., self.edges]

    def exact(self) -> Floats:
        """∂/∂logit of the expected objective's mean over the batch: (searchable,)."""
        logits = self.distribution.logits[self.edges].clone().requires_grad_(True)
        bits = torch.from_numpy(self.samples[:, self.edges])
        gamma = logits.sigmoid()
        chances = torch.where(bits, gamma, 1 - gamma).prod(dim=1)  # (samples,)
        if self.joint:
            for _ in range(self.batch - 1):
                base = torch.where(bits, gamma, 1 - gamma).prod(dim=1)
                chances = (chances[:, None] * base[None]).reshape(-1)
        expected = (chances[:, None] * torch.from_numpy(self.table)).sum(dim=0).mean()
        (gradient,) = torch.autograd.grad(expected, logits)
        return np.asarray(gradient)


def make_world(text: str, *, batch: int, norm: str, steps: int = 60) -> World:
    """A world of a fabric with a little training behind it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fabric.dot"
        path.write_text(text.replace("NORM", norm))
        profile = profile_fabric(read_fabric(path))
    fabric = profile.fabric
    net = compile_fabric(profile, seed=3).double().train()
    generator = torch.Generator().manual_seed(20)
    undecided = Gamma(fabric, 0.5).at(np.zeros((0, 1)))
    trained(net, undecided, steps, generator)
    away = torch.linspace(-1.5, 1.5, len(fabric.edges), dtype=torch.float64)
    distribution = EdgeLogits(undecided.index, undecided.logits + away)
    inputs, labels = stripes(batch, generator)
    samples = np.ones((2 ** len(fabric.searchable), len(fabric.edges)), dtype=np.bool_)
    samples[:, list(fabric.searchable)] = list(
        itertools.product([False, True], repeat=len(fabric.searchable))
    )
    budgets = resolve_budgets(profile, [parse_budget("macs=50%")])
    multipliers = Multipliers(budgets, SearchSettings(penalty=LAMBDA, adapt_penalty=False))
    costs = budgets.costs(live_edges(net.sweep, samples))
    penalty = multipliers.penalty_of().of(costs, budgets.limits[:, None])
    joint = norm == "batch"
    codes = np.array(
        list(itertools.product(range(len(samples)), repeat=batch))
        if joint
        else [[code] * batch for code in range(len(samples))]
    )
    with torch.no_grad():
        losses = [
            functional.cross_entropy(net(inputs, samples[row]), labels, reduction="none").numpy()
            for row in codes
        ]
    return World(net, distribution, inputs, labels, samples, np.stack(losses) + penalty[codes], joint)


def stripes(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """4x4 images of rows or columns, of either phase."""
    labels = torch.arange(count) % 2
    phase = torch.randint(2, (count, 1, 1), generator=generator)
    lines = (torch.arange(4)[None, :, None] + phase).expand(count, 4, 4) % 2 * 2.0 - 1.0
    images = torch.where(labels[:, None, None] == 1, lines.transpose(1, 2), lines)
    return (images + 0.5 * torch.randn(images.shape, generator=generator))[:, None].double(), labels


def trained(net: SuperNet, distribution: EdgeLogits, steps: int, generator: torch.Generator) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(steps):
        inputs, labels = stripes(32, generator)
        loss = functional.cross_entropy(net(inputs, distribution.sample(32, generator)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def worlds() -> dict[str, World]:
    """Those that are measured."""
    return {
        "5 edges, batch 16": make_world(FIVE, batch=16, norm="none"),
        "3 edges, batch 4": make_world(THREE, batch=4, norm="none"),
        "3 edges, batch 4, BatchNorm": make_world(THREE, batch=4, norm="batch"),
    }
