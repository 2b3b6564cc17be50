"""The promise: what is chosen is inside every budget, and what cannot be met is said
so, whatever Γ and the weights are.

Random fabrics of mixed sizes (DAGs with parallel edges, gates, choices, one or two
targets; small CNF, ResNet and cell fabrics), each with one to four budgets: in one half
of them between below the cheapest and the whole, in the other exactly what some random
sub-network costs, so that there is one to find. Nothing is trained: Γ and weights are
random, then the choice of a search runs. What it chooses is counted again on the pruned
network (export/recount.py, export/simulation.py). What it calls impossible, or does not
find, is looked for by a search of its own: every choice where there are at most
`ENUMERATED`, else random choices and walks from the best of them. Those that are
enumerated run a second time with the enumeration of the package itself switched off.

    python benchmarks/promise.py [--fabrics 200] [--seed 0]
"""

from __future__ import annotations

import argparse
import itertools
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unittest import mock

import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray

import bsngraph
from bsngraph.certificate import simulate
from bsngraph.certificate.recount import count_bytes, count_macs, count_memory, count_params
from bsngraph.costs import Budget, Cost, Sources, cheapest, check_budgets, price
from bsngraph.costs.user_costs import BlackBox
from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.errors import BsngraphError, InfeasibleBudgetError
from bsngraph.fabric import Booleans, Fabric, connected, live_edges
from bsngraph.fabric.families import cell_fabric, cnf_fabric, resnet_fabric
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx
from bsngraph.measure import random_architectures
from bsngraph.profile import FabricProfile
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.choosing.rank import choose
from bsngraph.searching.learning.gamma import EdgeDistribution

KINDS = ("macs", "params", "bytes", "memory", "steps:1", "steps:2", "steps:4", "energy", "own")
ENUMERATED = 1024
CLASSES = 3
CANDIDATES = 8
TRIED, WALKS = 20_000, 20
ROUNDING = 1 + 1e-9

Numbers = NDArray[np.float64]


# --- random fabrics


def random_fabric(random: np.random.Generator) -> Fabric:
    """One of a family, or a random DAG of 6 to 40 edges."""
    kind = random.choice(["dag", "dag", "dag", "dag", "cnf", "resnet", "cells"])
    if kind == "cnf":
        fabric = cnf_fabric(
            input_shape=(1, 4, 4), classes=CLASSES, layers=int(random.integers(2, 5)), channels=2
        )
    elif kind == "resnet":
        blocks, groups = int(random.integers(1, 3)), int(random.integers(1, 4))
        fabric = resnet_fabric(
            input_shape=(1, 8, 8), classes=CLASSES, groups=groups, blocks=blocks, channels=2
        )
    elif kind == "cells":
        nodes, none = int(random.integers(2, 5)), bool(random.integers(2))
        fabric = cell_fabric(
            input_shape=(1, 4, 4), classes=CLASSES, stages=2, cells=1, nodes=nodes, channels=2, none=none
        )
    else:
        return bsngraph.fabric_from_networkx(random_dag(random))
    graph = fabric_to_networkx(fabric)
    for _, _, attributes in graph.edges(data=True):
        attributes["cost_energy"] = _energy(random)
    return bsngraph.fabric_from_networkx(graph)


def random_dag(random: np.random.Generator) -> nx.MultiDiGraph[str]:
    """Nodes of 2 channels of 4x4 in a row, each fed by one before it and feeding one
    behind it, and more edges anywhere forwards.
    """
    targets = ["y"] if random.random() < 0.8 else ["y1", "y2"]
    inner = [f"n{number}" for number in range(int(random.integers(2, 9)))]
    most = (
        int(random.integers(len(inner) + 2, 10))
        if random.random() < 0.5 and len(inner) < 7
        else int(random.integers(12, 41))
    )
    order = ["x", *inner]
    ends = [(order[random.integers(place + 1)], name) for place, name in enumerate(inner)]
    ends += [
        (name, inner[random.integers(place + 1, len(inner))])
        for place, name in enumerate(inner[:-1])
        if name not in dict(ends)
    ]
    possible = list(itertools.combinations(order, 2))
    while len(ends) < most:
        ends.append(possible[random.integers(len(possible))])
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="random", source="x", target=",".join(targets))
    graph.add_node("x", input="2x4x4")
    for name in inner:
        graph.add_node(
            name,
            merge=str(random.choice(["sum", "mean", "max"])),
            activation=str(random.choice(["none", "relu"])),
        )
    for source, target in ends:
        graph.add_edge(source, target, cost_energy=_energy(random), **_operation(random))
    _tie(graph, random)
    for target in targets:
        graph.add_edge(
            inner[-1],
            target,
            op="classifier",
            classes=CLASSES,
            cost_energy=_energy(random),
            fixed=bool(random.integers(2)),
        )
    return graph


def _operation(random: np.random.Generator) -> dict[str, object]:
    operations: list[dict[str, object]] = [
        {"op": "identity"},
        {"op": "max_pool", "window": 3, "stride": 1},
        {"op": "conv", "channels": 2, "kernel": 1},
        {"op": "conv", "channels": 2, "kernel": 3},
        {"op": "conv", "channels": 2, "kernel": 5},
        {"op": "separable_conv", "channels": 2},
    ]
    return operations[random.integers(len(operations))]


def _tie(graph: nx.MultiDiGraph[str], random: np.random.Generator) -> None:
    """Make some parallel edges a choice, tie some others by gates, fix a few."""
    free = []
    for number, pair in enumerate(sorted(set(graph.edges()))):
        keys = sorted(graph[pair[0]][pair[1]])
        if len(keys) > 1 and random.random() < 0.4:
            for key in keys:
                graph.edges[(*pair, key)]["choice"] = f"c{number}"
        else:
            free += [(*pair, key) for key in keys]
    random.shuffle(free)
    if len(free) > 4 and random.random() < 0.4:
        for number in range(int(random.integers(1, 4))):
            for edge in free[2 * number : 2 * number + 2]:
                graph.edges[edge]["gate"] = f"g{number}"
        free = free[6:]
    for edge in free[: int(random.integers(3)) if len(free) > 6 else 0]:
        graph.edges[edge]["fixed"] = True


def _energy(random: np.random.Generator) -> float:
    return float(random.integers(21)) / 10


# --- costs and budgets


def own_weights(fabric: Fabric) -> Numbers:
    """What the black box goes by, a number for each edge's name: (edges,)."""
    return np.array([_weight(edge.name) for edge in fabric.edges])


def own(architecture: Fabric) -> float:
    """A cost that falls when some edges are added."""
    return abs(sum(_weight(edge.name) for edge in architecture.edges)) + 1.0


def _weight(name: str) -> float:
    return zlib.crc32(name.encode()) % 7 - 2.0


class Own:
    """The black box for the reference: the same values without its code."""

    name, unit = "own", ""

    def __init__(self, fabric: Fabric) -> None:
        self.weights = own_weights(fabric)
        self.total = float(abs(self.weights.sum()) + 1)

    def of(self, live: Booleans) -> Numbers:
        return np.abs(live @ self.weights) + 1


@dataclass(frozen=True)
class Case:
    """A fabric with budgets as the package sees them, and costs with limits for the
    reference.
    """

    profile: FabricProfile
    budgets: tuple[Budget, ...]
    costs: tuple[Cost, ...]

    @property
    def limits(self) -> tuple[float, ...]:
        return tuple(budget.limit for budget in self.budgets)


def random_case(random: np.random.Generator) -> Case:
    while True:
        profile = bsngraph.profile_fabric(random_fabric(random))
        if not len(profile.fabric.searchable):
            continue
        sources = Sources(own={"own": BlackBox("own", own, profile)})
        found = random_architectures(profile.fabric, 1, seed=int(random.integers(2**32)))
        known = found[0].mask[None] if found and random.random() < 0.5 else None
        budgets, reference = [], []
        for name in random.choice(KINDS, size=random.integers(1, 5), replace=False).tolist():
            cost = price(profile, name, sources)
            plain: Cost = Own(profile.fabric) if name == "own" else cost
            limit = _between(profile.fabric, plain, random) if known is None else float(plain.of(known)[0])
            budgets.append(Budget(cost, limit if limit > 0 else 0.5, f"{name}={limit:.4g}"))
            reference.append(plain)
        return Case(profile, tuple(budgets), tuple(reference))


def _between(fabric: Fabric, cost: Cost, random: np.random.Generator) -> float:
    """A limit between a little below the cheapest and the whole fabric."""
    try:
        low = 0.9 * cheapest(fabric, cost).value
    except InfeasibleBudgetError:  # its gates and choices leave no sub-network at all
        low = 0.5 * cost.total
    return float(low + random.random() ** 2 * max(cost.total - low, 0.2 * low))


# --- the reference


class Reference:
    """Looks for a sub-network inside the budgets without the package's search."""

    def __init__(self, case: Case) -> None:
        self.case, self.fabric = case, case.profile.fabric
        self.decisions, self.sweep = self.fabric.decisions, self.fabric.sweep
        self.fixed = self.fabric.fixed

    @property
    def choices(self) -> int:
        count = 2 ** len(self.decisions.free)
        for choice in self.decisions.choices:
            count *= len(choice)
        return count

    def finds(self, seed: int) -> bool:
        """Whether there is one; where all choices are too many, whether one was
        found.
        """
        if self.choices <= ENUMERATED:
            return bool((self.over(np.stack(list(self._all()))) == 0).any())
        random = np.random.default_rng(seed)
        values = np.stack([self._random(random, random.uniform(0.05, 1)) for _ in range(TRIED)])
        over = self.over(values)
        best = np.argsort(over, kind="stable")[:WALKS]
        return bool(over.min() == 0) or any(self._walk(values[row], float(over[row]), random) for row in best)

    def over(self, values: Booleans) -> Numbers:
        """By how much choices (choices, variables) are over the budgets, in shares of
        them; infinite where a target is not connected.
        """
        live = live_edges(self.sweep, self.decisions.kept(values) | self.fixed)
        total = np.where(connected(self.fabric, live).all(axis=1), 0.0, np.inf)
        rows = np.flatnonzero(np.isfinite(total))
        if len(rows):
            for cost, limit in zip(self.case.costs, self.case.limits, strict=True):
                total[rows] += np.maximum(cost.of(live[rows]) / limit - 1 - 1e-12, 0)
        return total

    def _all(self) -> Iterator[Booleans]:
        choices = [list(choice) for choice in self.decisions.choices]
        for free in itertools.product([False, True], repeat=len(self.decisions.free)):
            for picked in itertools.product(*choices):
                values = np.zeros(len(self.decisions.edges_of), dtype=np.bool_)
                values[list(self.decisions.free)] = free
                values[list(picked)] = True
                yield values

    def _random(self, random: np.random.Generator, chance: float) -> Booleans:
        values = random.random(len(self.decisions.edges_of)) < chance
        for choice in self.decisions.choices:
            values[list(choice)] = np.arange(len(choice)) == random.integers(len(choice))
        return np.asarray(values)

    def _walk(self, values: Booleans, over: float, random: np.random.Generator) -> bool:
        """Changes of one or two decisions at random, taken where they are not worse."""
        for _ in range(60):
            changed = np.repeat(values[None], 64, axis=0)
            for row in changed:
                for _ in range(random.integers(1, 3)):
                    self._change(row, random)
            scores = self.over(changed)
            best = int(scores.argmin())
            if scores[best] <= over:
                values, over = changed[best], float(scores[best])
            if over == 0:
                return True
        return False

    def _change(self, values: Booleans, random: np.random.Generator) -> None:
        groups: list[Sequence[int]] = [
            *((variable,) for variable in self.decisions.free),
            *self.decisions.choices,
        ]
        group = list(groups[random.integers(len(groups))])
        values[group] = (
            ~values[group] if len(group) == 1 else np.arange(len(group)) == random.integers(len(group))
        )


def recounted(net: bsngraph.SuperNet, name: str) -> float:
    """A cost of a pruned network, counted on the network itself."""
    profile = net.profile
    kind, _, cores = name.partition(":")
    if kind == "steps":
        return simulate(profile.fabric, [float(macs > 0) for macs in profile.macs], int(cores))
    if kind == "energy":
        return sum(edge.costs["energy"] for edge in profile.fabric.edges)
    if kind == "own":
        return own(profile.fabric)
    if kind in ("macs", "memory"):
        return count_macs(profile) if kind == "macs" else count_memory(profile)
    return count_params(net) if kind == "params" else count_bytes(net)


# --- what happens


@dataclass(frozen=True)
class Outcome:
    """`said`: delivered, impossible (proved), or not found (not proved). `outside`: the
    budgets that what was delivered is over.
    """

    said: str
    outside: tuple[str, ...] = ()


def outcome(case: Case, seed: int) -> Outcome:
    """Check the budgets, then choose under random Γ and weights, as a search does."""
    try:
        known = check_budgets(case.profile.fabric, case.budgets)
    except InfeasibleBudgetError:
        return Outcome("impossible")
    except BsngraphError as error:
        return Outcome(f"gave up: {error}")
    generator = torch.Generator().manual_seed(seed)
    net = bsngraph.compile_fabric(case.profile, seed=seed)
    distribution = EdgeDistribution(case.profile.fabric, 0.5)
    distribution.logits += 4 * torch.randn(len(distribution.logits), generator=generator, dtype=torch.float64)
    try:
        proposals = propose(distribution, net, case.budgets, CANDIDATES, generator, known)
    except InfeasibleBudgetError:
        return Outcome("not found")
    best = choose(net, _data(net, generator), proposals, case.budgets)[0].architecture
    pruned = bsngraph.prune_net(net, best)
    every = [(budget, recounted(pruned, budget.cost.name)) for budget in case.budgets]
    outside = tuple(
        f"{budget.text} costs {value:g}" for budget, value in every if value > budget.limit * ROUNDING
    )
    return Outcome("delivered", outside)


def _data(net: bsngraph.SuperNet, generator: torch.Generator) -> Dataset:
    fabric = net.profile.fabric
    shape = net.profile.node_shapes[fabric.source_indices[0]]

    def split(count: int) -> Split:
        return Split(
            torch.randn(count, *shape, generator=generator),
            torch.randint(CLASSES, (count,), generator=generator),
        )

    return Dataset(
        "noise",
        tuple("abc"),
        (0.0,) * shape[0],
        (1.0,) * shape[0],
        split(8),
        split(8),
        split(8),
        Augmentation(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fabrics", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began, counts, broken = time.perf_counter(), Counter[tuple[str, str]](), []
    budgets, edges, slowest = Counter[int](), [], (0.0, -1)
    for number in range(options.fabrics):
        case = random_case(np.random.default_rng((options.seed, number)))
        reference = Reference(case)
        small = reference.choices <= ENUMERATED
        size = f"at most {ENUMERATED:,} choices" if small else "more"
        budgets[len(case.budgets)] += 1
        edges.append(len(case.profile.fabric.edges))
        started = time.perf_counter()
        runs = [(size, outcome(case, number))]
        slowest = max(slowest, (time.perf_counter() - started, number))
        if small:
            with (
                mock.patch("bsngraph.costs.solving.walk.MOST_CHOICES", 0.5),
                mock.patch("bsngraph.costs.solving.feasible.MOST_CHOICES", 0.5),
            ):
                runs.append((f"{size}, not enumerated", outcome(case, number)))
        possible = None if all(run.said == "delivered" for _, run in runs) else reference.finds(number)
        for where, run in runs:
            counts[where, _label(run, possible)] += 1
            if run.outside or (run.said == "impossible" and possible):
                broken.append(
                    f"fabric {number}, {where}: {run.said}, {', '.join(run.outside) or 'though there is one'}"
                )
    _print(counts)
    print(
        f"\n{options.fabrics} fabrics of {min(edges)} to {max(edges)} edges, seed {options.seed}; fabrics "
        "by number of budgets:",
        end=" ",
    )
    print(", ".join(f"{count} with {number}" for number, count in sorted(budgets.items())))
    print(
        f"slowest check and choice: {slowest[0]:.1f} s (fabric {slowest[1]}); "
        f"{time.perf_counter() - began:.0f} s in all"
    )
    print("\n".join(["the promise was broken:", *broken]) if broken else "the promise held everywhere")
    if broken:
        raise SystemExit(1)


def _label(run: Outcome, possible: bool | None) -> str:
    if run.said == "delivered":
        return "delivered OUTSIDE" if run.outside else "delivered inside"
    if run.said == "impossible":
        return "said to be impossible, WRONGLY" if possible else "proved impossible"
    if run.said == "not found":
        return "none found, though there is one" if possible else "none found, nor by the reference"
    return run.said


def _print(counts: Counter[tuple[str, str]]) -> None:
    labels = list(dict.fromkeys(label for _, label in sorted(counts)))
    print(f"| fabrics with | {' | '.join(labels)} |\n|{'---|' * (len(labels) + 1)}")
    for where in sorted({where for where, _ in counts}):
        print(f"| {where} | {' | '.join(str(counts[where, label]) for label in labels)} |")


if __name__ == "__main__":
    main()
