"""How many trainings a choice is worth: contests replayed from the table of true
accuracies, where a training is a look into the table. Nothing is learned before.

Guided contests are those of a search: four random networks first, then what the
predictor expects to gain most, two in training at once, and at the end the best mean.
Random ones take the smallest validation loss of as many random networks. Losses are
those of one training seed. The regret is in points of test accuracy, against the best
network inside the budget as `searches` knows it (cross-fitted over the seeds).

    python -m benchmarks contests [--quick] [--repeats 12]
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import replace
from typing import Any

import click
import numpy as np

import bsngraph
from benchmarks.accuracy.rounds import FIRST, PROBLEMS, Truth, contenders_of
from benchmarks.accuracy.truth.accuracies import edges_text, read_fabric
from benchmarks.accuracy.truth.regret import read_truth
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table, table
from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained

TRAININGS = (4, 8, 12, 16, 20, 28)
UNDER_WAY = 1
WAYS = ("guided", "random")
SHOWN = {column: "{:.2f}" for way in WAYS for column in (way, f"± ({way})")}
TABLES = {"contests": last_table(lambda rows: table(rows, SHOWN))}


def guided(contenders: Contenders, truth: Truth, seed: int) -> dict[int, Architecture]:
    """What a contest would choose after so many trainings; small fabrics have fewer
    networks, and the last choice stands then.
    """
    edges, found = contenders.live.shape[1], dict[int, Architecture]()
    first = (Architecture.of_mask(row).live for row in contenders.live[:FIRST])
    state = FinalistsState(tuple(Finalist(live, "random") for live in first))
    while len(state.results) < len(state.finalists):
        network = Architecture(edges, state.finalists[len(state.results)].live)
        state = replace(state, results=(*state.results, Trained(truth.loss(network, seed), {})))
        if len(state.results) >= FIRST:
            best = int(np.argmax(contenders.believed(state).mean))
            found[len(state.results)] = Architecture(edges, state.finalists[best].live)
        if len(state.results) + UNDER_WAY >= FIRST and len(state.finalists) < TRAININGS[-1]:
            for each in contenders.most_promising(contenders.believing(state), 1):
                state = state.with_next(each)
    return {count: found[min(count, len(state.results))] for count in TRAININGS}


def by_chance(contenders: Contenders, truth: Truth, seed: int) -> dict[int, Architecture]:
    """The smallest loss of so many random networks."""
    networks = [Architecture.of_mask(row) for row in contenders.live[: TRAININGS[-1]]]
    return {count: min(networks[:count], key=lambda one: truth.loss(one, seed)) for count in TRAININGS}


@click.command("contests")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Compare choices after 4 to 28 trainings, guided and random.

    Example: python -m benchmarks contests --quick
    """
    contests = repeats_of(repeats, quick=quick, usual=12)
    regrets: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for fabric, budget in PROBLEMS:
        profile, truth = bsngraph.profile_fabric(read_fabric(fabric)), Truth(fabric)
        known = read_truth(fabric, budget)
        for repeat in range(contests):
            contenders = contenders_of(profile, budget, repeat)
            for way, choose in (("guided", guided), ("random", by_chance)):
                for count, network in choose(contenders, truth, repeat % 4).items():
                    regrets[way, budget, count].append(known.regret(edges_text(network)))
    rows: list[Row] = []
    for fabric, budget in (*PROBLEMS, ("all", 0)):
        for count in TRAININGS:
            row: dict[str, Any] = {
                "fabric": fabric,
                "macs": f"{budget} %" if budget else "",
                "trainings": count,
            }
            for way in WAYS:
                found = [regrets[way, each, count] for _, each in PROBLEMS if budget in (0, each)]
                row[way] = statistics.fmean(map(statistics.fmean, found))
                row[f"± ({way})"] = math.hypot(*map(_error, found)) / len(found)
            rows.append(row | {"contests": contests})
    keep("contests", rows, quick=quick)


def _error(values: list[float]) -> float:
    """The standard error of a mean."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
