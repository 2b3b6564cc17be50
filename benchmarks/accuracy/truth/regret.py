"""How far a network is from the best one there is, by the table of true accuracies.

The best network is cross-fitted: the best one inside the budget on one half of the
table's seeds, scored on the other half, and the other way round, since the largest of
many noisy figures flatters itself.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import bsngraph
from benchmarks.accuracy.truth.accuracies import FABRICS, edges_text, read_fabric
from benchmarks.accuracy.truth.variants import PAST, VARIANTS
from benchmarks.shared.rows import Row, read_rows, rows_file
from benchmarks.shared.tables import table
from bsngraph.searching.choosing.oracle import every_architecture

# % of the MACs, on both sides of half of them
BUDGETS: Mapping[str, tuple[int, int]] = {"blocks": (40, 60), "cell": (45, 65)}
SHOWN = {
    "budget": "{} %",
    "best": "{:.2f} %",
    "typical": "{:.2f} below",
    "regret": "{:.2f}",
    "spent": "{:.0f} %",
    "expected cost": "{:.0f} %",
    "entropy": "{:.2f}",
    "CPU s": "{:.0f}",
}


@dataclass(frozen=True)
class Truth:
    """True accuracies, in points, of the sub-networks of a fabric that are inside a
    budget: by their edges, a figure for each seed.
    """

    accuracies: Mapping[str, tuple[float, ...]]

    @property
    def best(self) -> float:
        """The accuracy of the best network, chosen on one half of the seeds and scored
        on the other.
        """
        table = np.array(list(self.accuracies.values()))
        half = table.shape[1] // 2
        halves = table[:, :half].mean(axis=1), table[:, half:].mean(axis=1)
        return float(np.mean([there[here.argmax()] for here, there in (halves, halves[::-1])]))

    @property
    def typical(self) -> float:
        """The mean accuracy of all of them."""
        return statistics.mean(map(statistics.mean, self.accuracies.values()))

    def regret(self, edges: str) -> float:
        """By how many points a network is worse than the best."""
        return self.best - statistics.mean(self.accuracies[edges])


def read_truth(fabric: str, budget: int) -> Truth:
    """The table inside a budget, with the seeds that every one of its networks was
    trained with.
    """
    profile = bsngraph.profile_fabric(read_fabric(fabric))
    limit = budget / 100 * profile.macs.sum()
    inside = [a for a in every_architecture(profile.fabric) if profile.macs[list(a.live)].sum() <= limit]
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for row in read_rows(rows_file("truth")):
        if row["fabric"] == fabric:
            found[row["edges"]][row["seed"]] = 100 * row["test_accuracy"]
    known = {edges_text(architecture): found[edges_text(architecture)] for architecture in inside}
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in known.values())))
    return Truth({edges: tuple(by_seed[seed] for seed in seeds) for edges, by_seed in known.items()})


def problems() -> list[tuple[str, int]]:
    """Every fabric with its budgets."""
    return [(fabric, budget) for fabric in FABRICS for budget in BUDGETS[fabric]]


def report(rows: Sequence[Row]) -> str:
    """For each fabric and budget what there is to gain, and the regret of each way to
    search.
    """
    made = []
    for fabric, budget in problems():
        truth = read_truth(fabric, budget)
        here = [row for row in rows if (row["fabric"], row["budget"]) == (fabric, budget)]
        for variant in (*VARIANTS, *PAST):
            mine = [row for row in here if row["variant"] == variant]
            if mine:
                made.append(_line(truth, mine))
    return table(made, SHOWN)


def _line(truth: Truth, mine: Sequence[Row]) -> Row:
    """The searches of one fabric and budget in one way."""
    regrets = [truth.regret(row["edges"]) for row in mine]
    spent, expected, entropy, seconds = (
        statistics.mean(row[name] for row in mine) for name in ("share", "expected", "entropy", "cpu_seconds")
    )
    return {
        "fabric": mine[0]["fabric"],
        "budget": mine[0]["budget"],
        "networks inside": len(truth.accuracies),
        "best": truth.best,
        "typical": truth.best - truth.typical,
        "search": mine[0]["variant"],
        "n": len(mine),
        "regret": statistics.mean(regrets),
        "each": ", ".join(f"{regret:.1f}" for regret in regrets),
        "spent": 100 * spent,
        "expected cost": 100 * expected,
        "entropy": entropy,
        "CPU s": seconds,
    }
