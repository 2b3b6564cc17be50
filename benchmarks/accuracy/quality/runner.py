"""What is to be run, in which order, and one row after the other."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import bsngraph
from benchmarks.accuracy.quality.methods import Choice, Means, choose
from benchmarks.accuracy.quality.networks import build
from benchmarks.accuracy.quality.problems import BEST_RANDOM, METHODS, PROBLEMS, RANDOM, RANGE, Problem
from benchmarks.accuracy.quality.rows import Key, append_row, read_rows
from benchmarks.shared.rows import Row
from bsngraph.costs import price
from bsngraph.errors import BsngraphError

AGAIN = 1000  # to the seed, for a second training of a network


def planned(
    problems: Iterable[Problem], methods: Collection[str] = METHODS, seeds: Collection[int] | None = None
) -> list[Key]:
    """Every row: searches last, before them budgets other than MACs; the rest problem
    by problem and seed by seed.
    """
    problems = list(problems)
    keys = [
        Key(problem.name, series.budget, method, seed, number)
        for problem in problems
        for series in problem.series
        for method in METHODS
        if method in series.methods and method in methods and (method != RANGE or problem.range)
        for seed in series.seeds
        if seeds is None or seed in seeds
        for number in range(RANDOM if method == "random" else 1)
    ]
    names = [problem.name for problem in problems]

    def turn(key: Key) -> tuple[object, ...]:
        learned = max(METHODS.index(key.method) - METHODS.index("search") + 1, 0)
        return learned, not key.budget.startswith("macs="), names.index(key.problem), key.seed

    return sorted(keys, key=turn)


def part_of(keys: Sequence[Key], part: int, parts: int) -> list[Key]:
    """One of several shares of the rows. What one training serves (problem, method and
    seed) stays together.
    """
    groups = dict.fromkeys((key.problem, key.method, key.seed) for key in keys)
    mine = set(itertools.islice(groups, part, None, parts))
    return [key for key in keys if (key.problem, key.method, key.seed) in mine]


def run(
    keys: Sequence[Key],
    means: Means,
    limit: int | None = None,
    problems: Iterable[Problem] = PROBLEMS.values(),
) -> int:
    """Train what the file does not hold yet, at most `limit` networks; how many were
    trained. What fails is told, and has no row.
    """
    known = {problem.name: problem for problem in problems}
    done = 0
    for key in keys:
        if done == limit:
            break
        if key in read_rows(means.rows):
            continue
        problem = known[key.problem]
        try:
            choice = choose(problem, key, means)
            if choice.network is None:
                print(f"{key}: no network of this kind is inside the budget", flush=True)
                continue
            row = trained(problem, key, choice, choice.network, means)
        except BsngraphError as error:
            print(f"{key}: {error}", flush=True)
            continue
        append_row(means.rows, key, row)
        done += 1
        seconds = f"{row['choose_cpu_seconds']} + {row['train_cpu_seconds']} s"
        print(f"{key}: {row[f'test_{problem.metric}']} ({seconds})", flush=True)
    return done


def trained(problem: Problem, key: Key, choice: Choice, network: str, means: Means) -> Row:
    """The row of a network, trained from scratch with the row's seed; what was chosen
    by that very training, with another.
    """
    fabric, budget = build(problem.profile, network), problem.resolved(key.budget)
    profile = bsngraph.profile_fabric(fabric)
    cost = price(profile, budget.cost.name).total
    assert budget.met(cost), f"{key}: {network} is over its budget"
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = bsngraph.train(
            profile,
            problem.dataset,
            out=Path(folder) / "run",
            seed=key.seed + (AGAIN if key.method == BEST_RANDOM else 0),
            recipe=problem.recipe,
            threads=means.threads,
            device=means.device,
        )
    seconds = time.process_time() - began
    metrics = result.summary["metrics"]
    return {
        f"test_{problem.metric}": round(metrics["test"][problem.metric], 4),
        f"validation_{problem.metric}": round(metrics["validation"][problem.metric], 4),
        "validation_loss": round(metrics["validation"]["loss"], 5),
        "budget_share": round(float(cost / budget.limit), 4),
        "macs": round(float(profile.macs.sum())),
        "params": round(float(profile.params.sum())),
        "searchable_kept": _kept(problem, network),
        "network": network,
        "choose_cpu_seconds": round(choice.cpu_seconds, 1),
        "train_cpu_seconds": round(seconds, 1),
    }


def _kept(problem: Problem, network: str) -> int | None:
    """How many searchable edges of the problem's fabric a network holds; None for a
    network of another fabric.
    """
    whole = problem.profile.fabric
    if network.startswith("edges "):
        names = {edge.name for edge in build(problem.profile, network).edges}
        return sum(whole.edges[edge].name in names for edge in whole.searchable)
    return len(whole.searchable) if network.startswith("narrowed ") else None
