"""Rows → how good the fronts of methods are: what each gave under all budgets of a
problem, by one number.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.accuracy.quality.problems import PROBLEMS, RANGE, Problem
from benchmarks.accuracy.quality.report import Outcome, outcomes, paired, under_any_budget
from benchmarks.accuracy.quality.rows import Key, Rows
from benchmarks.shared.rows import Row, by_key
from benchmarks.shared.tables import markdown

COLUMNS = ("problem", "method", "hypervolume", "seeds", "choosing, s", "search of a range minus it")


def hypervolume(front: Mapping[float, float]) -> float:
    """The mean, over limits from the smallest budget to the whole fabric, evenly in
    their logarithm, of the best score so far: `front` is share of the fabric → score.

    It is the area under the staircase of a front, and so its hypervolume with the whole
    fabric and a score of 0 as the reference, in the unit of the scores.
    """
    shares = [*sorted(front), 1.0]
    bests = itertools.accumulate((front[share] for share in shares[:-1]), max)
    steps = [math.log(after / before) for before, after in itertools.pairwise(shares)]
    return sum(best * step for best, step in zip(bests, steps, strict=True)) / sum(steps)


def fronts(rows: Rows, problem: Problem) -> dict[str, tuple[Mapping[int, float], float]]:
    """What each method gave under all budgets on MACs: by seed, the hypervolume; and
    the seconds that choosing took under all of them together.

    Methods that a budget lacks are left out; so are seeds.
    """
    found: dict[float, Mapping[str, Outcome]] = {}
    for series in problem.series:
        if series.budget.startswith("macs="):
            share = problem.resolved(series.budget).limit / float(problem.profile.macs.sum())
            here = outcomes(rows, problem.name, series.budget)
            found[share] = {under_any_budget(name): outcome for name, outcome in here.items()}
    common = [name for name in next(iter(found.values())) if all(name in each for each in found.values())]
    made = {}
    for name in common:
        each = {share: by_name[name] for share, by_name in found.items()}
        seeds = set.intersection(*({*outcome.by_seed} for outcome in each.values()))
        if seeds:
            made[name] = (
                {
                    seed: hypervolume({share: outcome.by_seed[seed] for share, outcome in each.items()})
                    for seed in sorted(seeds)
                },
                sum(outcome.seconds for outcome in each.values()),
            )
    return made


def report(rows: Sequence[Row]) -> str:
    """A line for each method of each problem that has a range and rows of it; nothing
    where there are none.
    """
    known = {Key(*key): row for key, row in by_key(rows, Key._fields).items()}
    lines = []
    for problem in PROBLEMS.values():
        made = fronts(known, problem) if problem.range else {}
        if RANGE not in made:
            continue
        for name, (by_seed, seconds) in sorted(made.items(), key=lambda item: item[0] != RANGE):
            ahead = "" if name == RANGE else str(paired(made[RANGE][0], by_seed) or "")
            mean = f"{statistics.mean(by_seed.values()):.2f} %"
            lines.append((problem.name, name, mean, str(len(by_seed)), f"{seconds:.0f}", ahead))
    if not lines:
        return ""
    return markdown(COLUMNS, [False, False, *[True] * (len(COLUMNS) - 2)], lines)
