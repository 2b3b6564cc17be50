"""Gradient estimators of Γ against the exact gradient, on fabrics small enough to
enumerate.

What every example pays under every sample (with BatchNorm: under every joint sample of
the batch) is put into a table once. The exact gradient is that of the enumerated
expectation; the estimators draw from the table as a search draws from its network.
Weights are trained a little first, with every edge at probability 1/2.

Columns: `runs` of the network for each example and step; `bias` is |mean - exact| /
|exact| and `bias, s.e.` the standard error of that mean in the same unit, so that a
bias of about one of them is none; `variance` is the mean over logits of the variance of
one step's gradient, in shares of |exact|²; `times runs` multiplies it with the runs,
since two samples could also be two steps; `cosine` is the mean cosine between one
step's gradient and the exact one.

    batch mean        REINFORCE (Williams 1992), the batch's mean as baseline: the paper
    leave one out     the mean of the other rows (Kool et al. 2019): the default
    control variate   the same on f - Σ c·(H - Γ), adding back c·Γ(1 - Γ); c by least
                      squares from the eight batches before
    two samples       two samples for each example, each the other's baseline:
                      ½ (f - f')(score - score')
    ARM               Yin and Zhou 2019; DisARM: Dong, Mnih and Tucker 2020: antithetic
                      pairs
    straight-through  Gumbel noise, hard gates forwards, sigmoid of temperature ½
                      backwards (Jang et al. 2017); needs every edge to run and a cost
                      with a derivative (here: kept edges cost, live or not)

    python benchmarks/estimators.py [--quick]
"""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from measuring import keep, options
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.fabric import live_edges, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.searching.learning.limits import budget_costs
from bsngraph.searching.learning.multipliers import Multipliers
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric

ROWS = Path(__file__).with_name("estimators.csv")
LAMBDA = 1.0
FITTED_ON = 8
TEMPERATURE = 0.5

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
    distribution: EdgeDistribution
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
    trained(net, EdgeDistribution(fabric, 0.5), steps, generator)
    distribution = EdgeDistribution(fabric, 0.5)
    distribution.logits += torch.linspace(-1.5, 1.5, len(fabric.edges), dtype=torch.float64)
    inputs, labels = stripes(batch, generator)
    samples = np.ones((2 ** len(fabric.searchable), len(fabric.edges)), dtype=np.bool_)
    samples[:, list(fabric.searchable)] = list(
        itertools.product([False, True], repeat=len(fabric.searchable))
    )
    (budget,) = resolve_budgets(profile, [parse_budget("macs=50%")])
    multipliers = Multipliers([budget], SearchSettings(penalty=LAMBDA, adapt_penalty=False))
    penalty = multipliers.penalty(budget_costs([budget], live_edges(net.sweep, samples)), [budget.limit])
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


def trained(net: SuperNet, distribution: EdgeDistribution, steps: int, generator: torch.Generator) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(steps):
        inputs, labels = stripes(32, generator)
        loss = functional.cross_entropy(net(inputs, distribution.sample(32, generator)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


# --- estimators: a world and a number of draws → a gradient a draw, (draws, searchable)


def reinforce(baseline: str) -> Callable[[World, int, torch.Generator], Floats]:
    def estimate(world: World, draws: int, generator: torch.Generator) -> Floats:
        kept = world.draw(draws, generator)
        paid = torch.from_numpy(world.objective(kept))
        rows = [world.distribution.policy_gradient(kept[draw], paid[draw], baseline) for draw in range(draws)]  # type: ignore[arg-type]
        return torch.stack(rows).numpy()[:, world.edges]

    return estimate


def control_variate(world: World, draws: int, generator: torch.Generator) -> Floats:
    gamma = world.distribution.probabilities.numpy()[world.edges]
    found = []
    for _ in range(draws):
        before = world.draw(FITTED_ON, generator)
        score, paid = world.score(before).reshape(-1, len(gamma)), world.objective(before).reshape(-1)
        slope = np.linalg.lstsq(score, paid - paid.mean(), rcond=None)[0]
        kept = world.draw(1, generator)
        score = world.score(kept)[0]
        rest = world.objective(kept)[0] - score @ slope
        rest = (rest - rest.mean()) * world.batch / (world.batch - 1)
        found.append(rest @ score / world.batch + slope * gamma * (1 - gamma))
    return np.stack(found)


def two_samples(world: World, draws: int, generator: torch.Generator) -> Floats:
    one, other = world.draw(draws, generator), world.draw(draws, generator)
    difference = world.objective(one) - world.objective(other)
    return 0.5 * (difference[..., None] * (world.score(one) - world.score(other))).mean(axis=1)


def antithetic(
    world: World, draws: int, generator: torch.Generator
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Uniforms (draws, batch, searchable), f(H) − f(H') (draws, batch, 1), and both
    samples, H' drawn with 1 − u.
    """
    gamma = world.distribution.probabilities.numpy()[world.edges]
    uniform = torch.rand(draws, world.batch, len(gamma), generator=generator, dtype=torch.float64).numpy()
    pair = []
    for numbers in (uniform, 1 - uniform):
        kept = np.ones((draws, world.batch, len(world.net.fabric.edges)), dtype=np.bool_)
        kept[..., world.edges] = numbers < gamma
        pair.append(kept)
    difference = (world.objective(pair[0]) - world.objective(pair[1]))[..., None]
    return uniform, difference, pair[0][..., world.edges], pair[1][..., world.edges]


def arm(world: World, draws: int, generator: torch.Generator) -> Floats:
    uniform, difference, _, _ = antithetic(world, draws, generator)
    return (difference * (0.5 - uniform)).mean(axis=1)


def disarm(world: World, draws: int, generator: torch.Generator) -> Floats:
    _, difference, one, other = antithetic(world, draws, generator)
    weight = world.distribution.logits[world.edges].abs().sigmoid().numpy()
    return (0.5 * difference * np.where(other, -1.0, 1.0) * (one != other) * weight).mean(axis=1)


def straight_through(world: World, draws: int, generator: torch.Generator) -> Floats:
    fabric, edges = world.net.fabric, world.edges
    (budget,) = resolve_budgets(world.net.profile, [parse_budget("macs=50%")])
    macs = torch.from_numpy(world.net.profile.macs).double()
    found = []
    for _ in range(draws):
        logits = world.distribution.logits[edges].clone().requires_grad_(True)
        uniform = torch.rand(world.batch, len(edges), generator=generator, dtype=torch.float64)
        soft = ((logits + torch.logit(uniform)) / TEMPERATURE).sigmoid()
        gates = torch.ones(world.batch, len(fabric.edges), dtype=torch.float64)
        gates[:, edges] = (soft > 0.5).double() + soft - soft.detach()
        losses = functional.cross_entropy(
            gated(world.net, world.inputs, gates), world.labels, reduction="none"
        )
        over = (gates @ macs / budget.limit - 1).clamp(min=0)
        (gradient,) = torch.autograd.grad((losses + LAMBDA * over).mean(), logits)
        found.append(gradient.numpy())
    return np.stack(found)


def gated(net: SuperNet, inputs: Tensor, gates: Tensor) -> Tensor:
    """The network with every edge run and multiplied by its gate, (batch, edges), nodes
    sums.
    """
    values = {net.fabric.sources[0]: inputs}
    for position, node in enumerate(net.fabric.nodes):
        incoming = net.fabric.incoming[position]
        if incoming:
            outputs = [net.operations[edge](values[net.fabric.edges[edge].source]) for edge in incoming]
            total = sum(
                output * gates[:, edge].view(-1, *[1] * (output.dim() - 1))
                for edge, output in zip(incoming, outputs, strict=True)
            )
            values[node.name] = functional.relu(total) if node.activation == "relu" else total
    return values[net.fabric.targets[0]]


@dataclass(frozen=True)
class Estimator:
    """`runs` of the network for each example and step; `share` of the draws that it is
    given, by how slow it is to draw.
    """

    estimate: Callable[[World, int, torch.Generator], Floats]
    runs: int
    share: float = 1.0
    without_norm_only: bool = False


ESTIMATORS: Mapping[str, Estimator] = {
    "batch mean": Estimator(reinforce("batch-mean"), 1),
    "leave one out": Estimator(reinforce("leave-one-out"), 1),
    "control variate": Estimator(control_variate, 1, 0.25),
    "two samples": Estimator(two_samples, 2),
    "ARM": Estimator(arm, 2),
    "DisARM": Estimator(disarm, 2),
    "straight-through": Estimator(straight_through, 1, 0.1, without_norm_only=True),
}


def measured(world: World, estimator: Estimator, draws: int) -> dict[str, float]:
    exact = world.exact()
    gradients = estimator.estimate(world, int(draws * estimator.share), torch.Generator().manual_seed(5))
    norm = float(np.linalg.norm(exact))
    error = np.sqrt((gradients.var(axis=0, ddof=1) / len(gradients)).sum())
    variance = float(gradients.var(axis=0, ddof=1).mean()) / norm**2
    lengths = np.linalg.norm(gradients, axis=1) * norm
    return {
        "runs": estimator.runs,
        "bias": float(np.linalg.norm(gradients.mean(axis=0) - exact)) / norm,
        "bias, s.e.": float(error) / norm,
        "variance": variance,
        "times runs": variance * estimator.runs,
        "cosine": float((gradients @ exact / np.maximum(lengths, 1e-300)).mean()),
    }


def worlds() -> dict[str, World]:
    return {
        "5 edges, batch 16": make_world(FIVE, batch=16, norm="none"),
        "3 edges, batch 4": make_world(THREE, batch=4, norm="none"),
        "3 edges, batch 4, BatchNorm": make_world(THREE, batch=4, norm="batch"),
    }


def main() -> None:
    chosen = options(__doc__)
    torch.set_num_threads(1)
    rows = []
    for name, world in worlds().items():
        for kind, estimator in ESTIMATORS.items():
            if not (world.joint and estimator.without_norm_only):
                rows.append(
                    {
                        "world": name,
                        "estimator": kind,
                        **measured(world, estimator, 400 if chosen.quick else 20_000),
                    }
                )
    keep("estimators", rows, quick=chosen.quick)
    if not chosen.quick:
        with ROWS.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
