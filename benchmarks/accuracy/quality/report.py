"""Rows → a table for each budget: test accuracies, and how far the search is ahead."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from benchmarks.accuracy.quality.problems import BEST_RANDOM, METHODS, PROBLEMS, RANDOM, TRAININGS_ALONE
from benchmarks.accuracy.quality.rows import Key, Rows, best_row
from benchmarks.shared.rows import Row, by_key
from benchmarks.shared.tables import markdown

SEARCH, MEAN, BEST = "search", "random, mean of 10", f"{BEST_RANDOM}, by that training"
EARLIER = "search of 15 or 60 epochs"  # an earlier one: its rows are not made again
#: The best of as many random networks as the seconds of one of these pay.
IN_TIME = {
    SEARCH: "best random in the search's time",
    TRAININGS_ALONE: "best random in the time without shared weights",
}
LEARNED = METHODS[METHODS.index(SEARCH) :]
SHOWN = (
    *LEARNED,
    EARLIER,
    *IN_TIME.values(),
    MEAN,
    BEST_RANDOM,
    BEST,
    *(method for method in METHODS if method not in (*LEARNED, "random", BEST_RANDOM)),
)
SCORES = {"accuracy": "test accuracy", "mean_iou": "test mean IoU"}
COLUMNS = ("spread", "networks", "seeds", "of the budget", "choosing, s", "search minus it")
OVERALL_COLUMNS = ("method", "budgets", "ahead of it by", "ahead", "behind", "its seconds / these")


@dataclass(frozen=True)
class Outcome:
    """What a method gave under a budget: by seed, its test accuracy in percent (a mean,
    where the seed has several networks).

    `networks` are the test accuracies of all networks, `share` the mean share of the
    budget spent, `macs` the mean cost and `seconds` the mean of what choosing took.
    """

    by_seed: Mapping[int, float]
    networks: tuple[float, ...]
    share: float
    macs: float
    seconds: float

    @property
    def mean(self) -> float:
        return statistics.mean(self.by_seed.values())

    @property
    def spread(self) -> float:
        """The standard deviation of one network's accuracy."""
        return statistics.stdev(self.networks) if len(self.networks) > 1 else math.nan


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences, and half of its 95 % interval by Student's t; nan
    with one pair.
    """

    mean: float
    half: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.mean:+.2f}" + ("" if math.isnan(self.half) else f" ± {self.half:.2f}")


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """First minus second over the seeds that both have; None where there are none."""
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
    return mean_difference(differences) if differences else None


def mean_difference(differences: Sequence[float]) -> Difference:
    """The mean of at least one difference, each from a pair of its own."""
    count, half = len(differences), math.nan
    if count > 1:
        half = float(stats.t.ppf(0.975, count - 1)) * statistics.stdev(differences) / math.sqrt(count)
    return Difference(statistics.mean(differences), half, count)


def outcomes(rows: Rows, problem: str, budget: str) -> dict[str, Outcome]:
    """Every method that has rows under a budget, in the order of the tables; seeds
    count when all their networks are there.
    """
    here = {key: row for key, row in rows.items() if (key.problem, key.budget) == (problem, budget)}
    found: dict[str, Outcome] = {}
    for name in SHOWN:
        method = "random" if name in (MEAN, BEST, *IN_TIME.values()) else name
        seeds: dict[int, list[Row]] = {}
        for key in sorted(key for key in here if key.method == method):
            seeds.setdefault(key.seed, []).append(here[key])
        if method == "random":
            seeds = {seed: many for seed, many in seeds.items() if len(many) == RANDOM}
        if name == BEST:
            seeds = {seed: [best_row(many)] for seed, many in seeds.items()}
        timed = next((each for each, timed_name in IN_TIME.items() if name == timed_name), None)
        if timed is not None:
            found |= _in_time(found, timed, seeds)
        elif seeds:
            found[name] = _outcome(
                name, seeds, [row for key, row in here.items() if key.method == method and key.seed in seeds]
            )
    return found


def _outcome(name: str, seeds: Mapping[int, Sequence[Row]], every: Sequence[Row]) -> Outcome:
    used = [row for many in seeds.values() for row in many]
    # The best of several is known only when all of them are trained.
    trained = sum(row["train_cpu_seconds"] for row in every) / len(seeds) if name == BEST else 0.0
    return Outcome(
        by_seed={seed: statistics.mean(_score(row) for row in many) for seed, many in seeds.items()},
        networks=tuple(_score(row) for row in used),
        share=statistics.mean(row["budget_share"] for row in used),
        macs=statistics.mean(row["macs"] for row in used),
        seconds=statistics.mean(row["choose_cpu_seconds"] for row in used) + trained,
    )


def _in_time(
    found: Mapping[str, Outcome], timed: str, seeds: Mapping[int, Sequence[Row]]
) -> dict[str, Outcome]:
    """The best of as many random networks as a method's processor time pays, by
    validation loss: expected over which ones of the seed's they are.
    """
    if timed not in found or not seeds:
        return {}
    each = statistics.mean(row["train_cpu_seconds"] for many in seeds.values() for row in many)
    count = min(max(round(found[timed].seconds / each), 1), RANDOM)
    by_seed, shares, macs = {}, [], []
    for seed, many in seeds.items():
        ranked = sorted(many, key=lambda row: float(row["validation_loss"]))
        chances = best_of_chances(len(ranked), count)
        by_seed[seed] = sum(chance * _score(row) for chance, row in zip(chances, ranked, strict=True))
        shares.append(sum(chance * row["budget_share"] for chance, row in zip(chances, ranked, strict=True)))
        macs.append(sum(chance * row["macs"] for chance, row in zip(chances, ranked, strict=True)))
    return {
        f"best of {count} random, in {_TIMES[timed]}": Outcome(
            by_seed, (*by_seed.values(),), statistics.mean(shares), statistics.mean(macs), count * each
        )
    }


_TIMES = {SEARCH: "its time", TRAININGS_ALONE: "the time without shared weights"}


def best_of_chances(total: int, count: int) -> list[float]:
    """How likely each of `total`, best first, is the best of `count` drawn of them."""
    return [math.comb(total - 1 - rank, count - 1) / math.comb(total, count) for rank in range(total)]


def _score(row: Row) -> float:
    """What the network is judged by, in percent."""
    (score,) = (row[f"test_{metric}"] for metric in SCORES if f"test_{metric}" in row)
    return float(100 * score)


def table(found: Mapping[str, Outcome], metric: str = "accuracy") -> str:
    """One budget's methods as a Markdown table."""
    columns, lines = ("method", SCORES[metric], *COLUMNS), []
    for name, outcome in found.items():
        difference = (
            paired(found[SEARCH].by_seed, outcome.by_seed) if SEARCH in found and name != SEARCH else None
        )
        spread = "" if math.isnan(outcome.spread) else f"{outcome.spread:.2f}"
        lines.append(
            (
                name,
                f"{outcome.mean:.2f} %",
                spread,
                str(len(outcome.networks)),
                str(len(outcome.by_seed)),
                f"{100 * outcome.share:.0f} %",
                f"{outcome.seconds:.0f}",
                str(difference or ""),
            )
        )
    return markdown(columns, [False, *[True] * (len(columns) - 1)], lines)


def tables(rows: Rows) -> str:
    """Every budget's table under a line that names it."""
    parts = []
    for problem in PROBLEMS.values():
        for series in problem.series:
            found = outcomes(rows, problem.name, series.budget)
            if found:
                made = table(found, problem.metric)
                parts.append(f"**{problem.name}, {series.budget}** (`{problem.fabric}`)\n\n{made}")
    return "\n\n".join(parts)


def overall(rows: Rows, subject: str = SEARCH) -> str:
    """How far one method, the subject, is ahead of each other over all budgets on MACs
    together: a budget counts once, by its mean paired difference over seeds.

    "Ahead" and "behind" count budgets by the sign of that difference; the last column
    is the geometric mean over budgets. Nothing where no budget has the subject.
    """
    ahead: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    unwanted = {subject, EARLIER, *(name for each, name in IN_TIME.items() if each != subject)}
    for problem in PROBLEMS.values():
        for series in problem.series:
            found = outcomes(rows, problem.name, series.budget)
            if subject not in found or not series.budget.startswith("macs="):
                continue
            for shown, outcome in found.items():
                name, difference = under_any_budget(shown), paired(found[subject].by_seed, outcome.by_seed)
                if difference is not None and name not in unwanted:
                    ahead.setdefault(name, []).append(difference.mean)
                    times.setdefault(name, []).append(outcome.seconds / found[subject].seconds)
    if not ahead:
        return ""
    lines = [
        (
            name,
            str(len(each)),
            str(mean_difference(each)),
            str(sum(mean > 0 for mean in each)),
            str(sum(mean < 0 for mean in each)),
            f"{statistics.geometric_mean(times[name]):.2f}" if min(times[name]) > 0 else "0",
        )
        for name, each in ahead.items()
    ]
    made = markdown(OVERALL_COLUMNS, [False, *[True] * 5], lines)
    return f"**{subject.capitalize()}, all budgets together**\n\n{made}"


def under_any_budget(name: str) -> str:
    """A method's name without the number of random networks that a time pays."""
    return next((IN_TIME[each] for each, time in _TIMES.items() if name.endswith(f", in {time}")), name)


def report(rows: Sequence[Row]) -> str:
    """The tables of all budgets together and of each, of rows as they are kept."""
    known = {Key(*key): row for key, row in by_key(rows, Key._fields).items()}
    return "\n\n".join(filter(None, [overall(known), overall(known, TRAININGS_ALONE), tables(known)]))
