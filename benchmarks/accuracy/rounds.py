"""How many finalists to have in training at once: contests replayed from the table of
true accuracies, where a training is a look into the table.

Four random networks inside the budget come first, eight more are decided on, each as if
those still in training had given what is expected of them, and the one with the best
mean is chosen, as a search does it. Losses are those of one training seed. The regret
is in points of test accuracy over all seeds, against the best network inside.

    python -m benchmarks rounds [--quick] [--repeats 24]
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import replace

import click
import numpy as np

import bsngraph
from benchmarks.accuracy.truth.accuracies import edges_text, read_fabric
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row, read_rows, rows_file
from benchmarks.shared.tables import last_table
from bsngraph.costs import Sources, parse_budget, resolve_budgets
from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.predicting.network_facts import FactSheet
from bsngraph.searching.choosing.predicting.pool import draw_pool
from bsngraph.searching.choosing.predicting.predictor import Places
from bsngraph.searching.choosing.propose import decision_prices

PROBLEMS = (("blocks", 40), ("blocks", 60), ("cell", 45), ("cell", 65))
AT_ONCE, FIRST, ALL = (1, 2, 4), 4, 12
TABLES = {"rounds": last_table()}


class Truth:
    """What each network of a fabric gave, by its edges and the seed of its training."""

    def __init__(self, fabric: str) -> None:
        self.rows: dict[str, dict[int, Row]] = defaultdict(dict)
        for row in read_rows(rows_file("truth")):
            if row["fabric"] == fabric:
                self.rows[row["edges"]][row["seed"]] = row

    def accuracy(self, network: Architecture) -> float:
        return statistics.fmean(row["test_accuracy"] for row in self.rows[edges_text(network)].values())

    def loss(self, network: Architecture, seed: int) -> float:
        loss: float = self.rows[edges_text(network)][seed]["validation_loss"]
        return loss


def contenders_of(profile: bsngraph.FabricProfile, budget: int, repeat: int) -> Contenders:
    """Every network inside the budget, in an order of its own."""
    budgets = resolve_budgets(profile, [parse_budget(f"macs={budget}%")], Sources())
    sheet, rng = FactSheet(profile), np.random.default_rng(repeat)
    live = draw_pool(sheet, budgets, decision_prices(profile.fabric, budgets), 4096, rng)
    return Contenders(live, Places.among(sheet, live), budgets)


def chosen(contenders: Contenders, truth: Truth, seed: int, at_once: int) -> Architecture:
    """What a contest chooses that has so many finalists in training at once."""
    edges = contenders.live.shape[1]
    first = (Architecture.of_mask(row).live for row in contenders.live[:FIRST])
    state = FinalistsState(tuple(Finalist(live, "random") for live in first))
    while len(state.results) < len(state.finalists):
        network = Architecture(edges, state.finalists[len(state.results)].live)
        state = replace(state, results=(*state.results, Trained(truth.loss(network, seed), {})))
        while len(state.finalists) < min(len(state.results) + at_once, ALL):
            found = contenders.most_promising(contenders.believing(state), 1)
            if not found:
                break
            state = state.with_next(found[0])
    best = int(np.argmax(contenders.believed(state).mean))
    return Architecture(edges, state.finalists[best].live)


@click.command("rounds")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Compare contests with 1, 2 or 4 finalists in training at once.

    Example: python -m benchmarks rounds --quick
    """
    rounds = repeats_of(repeats, quick=quick, usual=24)
    rows: list[Row] = []
    for fabric, budget in PROBLEMS:
        profile, truth = bsngraph.profile_fabric(read_fabric(fabric)), Truth(fabric)
        regrets: dict[int, list[float]] = defaultdict(list)
        for repeat in range(rounds):
            contenders = contenders_of(profile, budget, repeat)
            best = max(truth.accuracy(Architecture.of_mask(row)) for row in contenders.live)
            for at_once in AT_ONCE:
                network = chosen(contenders, truth, repeat % 4, at_once)
                regrets[at_once].append(100 * (best - truth.accuracy(network)))
        row: Row = {"fabric": fabric, "macs": f"{budget} %", "contests": rounds}
        for at_once, found in regrets.items():
            row[f"regret, {at_once} at once"] = statistics.fmean(found)
            row[f"± ({at_once})"] = statistics.stdev(found) / math.sqrt(rounds)
        rows.append(row)
    keep("rounds", rows, quick=quick)
