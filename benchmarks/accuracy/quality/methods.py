"""The ways to choose a network inside a budget. Each gives its text (see `networks`)
and the processor seconds that choosing took.

What took long is kept in a folder: a choice by problem, budget and seed; the scores of
`magnitude` and `darts` by problem and seed, for all budgets alike, so that their
seconds stand in the row of every budget.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import bsngraph
from benchmarks.accuracy.quality.mixture import learn_scores
from benchmarks.accuracy.quality.networks import narrowed_inside, random_inside, resnet_inside, sub_network
from benchmarks.accuracy.quality.problems import BEST_RANDOM, RANDOM, RANGE, TRAININGS_ALONE, Problem
from benchmarks.accuracy.quality.rows import Key, best_row, read_rows
from benchmarks.accuracy.quality.scores import by_index, output_magnitudes, without_smallest
from benchmarks.shared.rows import locked
from bsngraph.errors import BsngraphError
from bsngraph.measure import find_hardware
from bsngraph.searching.prepare import prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import resolve_settings
from bsngraph.training import Silent

# Of the published setting: 300 epochs of 703 batches of CIFAR-10's 45,000 training
# images, on the ResNet Fabric for 3x32x32.
PUBLISHED_STEPS, PUBLISHED_MACS = 210_900, 90_882_688


@dataclass(frozen=True)
class Choice:
    """A network inside the budget, as its text; None where the method has none."""

    network: str | None
    cpu_seconds: float


@dataclass(frozen=True)
class Means:
    """The file of rows, the folder where choices are kept, and what they are made
    with.
    """

    rows: Path
    folder: Path
    threads: int = 1
    device: str = "auto"


def choose(problem: Problem, key: Key, means: Means) -> Choice:
    """The network of a row."""
    name = key.method.partition("-")[0] if key.method.startswith("resnet-") else key.method
    return _CHOOSERS[name](problem, key, means)


def narrow(problem: Problem, key: Key, means: Means) -> Choice:
    """The whole fabric with fewer channels."""
    return Choice(narrowed_inside(problem.profile, problem.resolved(key.budget)), 0.0)


def resnet(problem: Problem, key: Key, means: Means) -> Choice:
    """The widest plain ResNet of a depth."""
    return Choice(
        resnet_inside(problem.profile, problem.resolved(key.budget), int(key.method.removeprefix("resnet-"))),
        0.0,
    )


def random(problem: Problem, key: Key, means: Means) -> Choice:
    """One of the seed's random sub-networks."""
    return Choice(
        random_inside(problem.profile, problem.resolved(key.budget), key.seed, RANDOM)[key.number], 0.0
    )


def best_random(problem: Problem, key: Key, means: Means) -> Choice:
    """The one of the seed's random sub-networks that has the smallest validation loss;
    all of them are trained to know it.

    Raises:
        BsngraphError: they are not in the file of rows yet.
    """
    there = read_rows(means.rows)
    keys = [key._replace(method="random", number=number) for number in range(RANDOM)]
    if any(each not in there for each in keys):
        raise BsngraphError("the random networks that it is the best of are not all trained yet")
    rows = [there[each] for each in keys]
    return Choice(best_row(rows)["network"], sum(row["train_cpu_seconds"] for row in rows))


def magnitude(problem: Problem, key: Key, means: Means) -> Choice:
    """Edges that add least to the trained whole fabric go first."""

    def learn(path: Path) -> list[float]:
        whole = bsngraph.train(
            problem.profile,
            problem.dataset,
            out=path,
            seed=key.seed,
            recipe=problem.recipe,
            threads=means.threads,
            device=means.device,
        )
        dataset = problem.dataset.to(next(whole.net.parameters()).device)
        return by_index(problem.profile.fabric, output_magnitudes(whole.net, dataset))

    return _by_scores(problem, key, means, learn)


def darts(problem: Problem, key: Key, means: Means) -> Choice:
    """Edges of the smallest weight in a softmax relaxation go first."""

    def learn(path: Path) -> list[float]:
        goal = Goal(data=problem.dataset)
        method = Method(recipe=problem.search, settings=problem.settings, seed=key.seed)
        hardware = find_hardware(means.device, means.threads)
        job = prepare(problem.profile, goal, method, hardware, Destination(path), Silent())
        with job.hardware.in_use():
            return learn_scores(job.profile, job.dataset, job.recipe, key.seed)

    return _by_scores(problem, key, means, learn)


def search(problem: Problem, key: Key, means: Means) -> Choice:
    """Our search by its defaults."""
    return _searched(problem, key, means, replace(problem.search, epochs=problem.brief), problem.settings)


def search_range(problem: Problem, key: Key, means: Means) -> Choice:
    """One search for all budgets of the problem, by the defaults of a range, and what
    `prune` answers for each of them. The budgets share its seconds evenly.

    An answer is asked for as one that is trained further, since it is: so it is chosen
    by what the predictor expects, and not by how good it is as it stands.
    """
    budgets = [series.budget for series in problem.series if series.budget.startswith("macs=")]
    usual = resolve_settings(None, ranged=True)[1]

    def found(path: Path) -> dict[str, str]:
        bsngraph.search(
            problem.profile,
            problem.dataset,
            [problem.range],
            out=path,
            seed=key.seed,
            recipe=replace(problem.search, epochs=3 * problem.brief),
            settings=replace(problem.settings, finalists=usual.finalists),
            threads=means.threads,
            device=means.device,
        )
        answers = {}
        for number, budget in enumerate(budgets):
            out = path.with_name(f"answer-{number}")
            answer = bsngraph.prune_run(
                path,
                budget,
                out=out,
                data=problem.dataset,
                threads=means.threads,
                device=means.device,
                finetune_epochs=1,
            )
            answers[budget] = sub_network(answer.architecture)
        return answers

    answers, seconds = _kept(means.folder / key.problem / f"{key.method}, {key.seed}.json", found)
    assert isinstance(answers, dict)
    return Choice(answers[key.budget], seconds / len(budgets))


def trainings_alone(problem: Problem, key: Key, means: Means) -> Choice:
    """Our search without learning: as many trainings, all else as there. Random
    networks come first, then what the predictor decides on.
    """
    return _searched(problem, key, means, replace(problem.search, epochs=0), problem.settings)


def paper(problem: Problem, key: Key, means: Means) -> Choice:
    """The published algorithm as the preset has it, for as many epochs as our
    search.
    """
    return _searched(problem, key, means, *resolve_settings("paper", recipe=_epochs_of(problem)))


def tuned_paper(problem: Problem, key: Key, means: Means) -> Choice:
    """The same with a rate of Γ that, times the number of steps, is the published one,
    and a λ that is, times the fabric's MACs.
    """
    recipe, settings = resolve_settings("paper", recipe=_epochs_of(problem))
    steps = recipe.epochs * max(len(problem.dataset.train) // recipe.batch_size, 1)
    settings = replace(
        settings,
        edge_learning_rate=settings.edge_learning_rate * PUBLISHED_STEPS / steps,
        penalty=settings.penalty * PUBLISHED_MACS / float(problem.profile.macs.sum()),
    )
    return _searched(problem, key, means, recipe, settings)


_CHOOSERS: Mapping[str, Callable[[Problem, Key, Means], Choice]] = {
    "narrowed": narrow,
    "resnet": resnet,
    "magnitude": magnitude,
    "darts": darts,
    "random": random,
    BEST_RANDOM: best_random,
    "search": search,
    RANGE: search_range,
    TRAININGS_ALONE: trainings_alone,
    "preset paper": paper,
    "preset paper, tuned rate": tuned_paper,
}


def _epochs_of(problem: Problem) -> dict[str, object]:
    return {"epochs": problem.search.epochs, "augmentation": problem.search.augmentation}


def _searched(
    problem: Problem, key: Key, means: Means, recipe: bsngraph.Recipe, settings: bsngraph.SearchSettings
) -> Choice:
    def found(path: Path) -> str:
        result = bsngraph.search(
            problem.profile,
            problem.dataset,
            [key.budget],
            out=path,
            seed=key.seed,
            recipe=recipe,
            settings=settings,
            threads=means.threads,
            device=means.device,
        )
        return sub_network(result.architecture)

    network, seconds = _kept(_file(means, key), found)
    return Choice(str(network), seconds)


def _file(means: Means, key: Key) -> Path:
    """Where a choice is kept."""
    return means.folder / key.problem / f"{key.method}, {key.budget}, {key.seed}.json"


def _by_scores(problem: Problem, key: Key, means: Means, learn: Callable[[Path], list[float]]) -> Choice:
    scores, seconds = _kept(means.folder / key.problem / f"{key.method}, {key.seed}.json", learn)
    assert isinstance(scores, list)
    return Choice(
        sub_network(without_smallest(problem.profile, problem.resolved(key.budget), scores)), seconds
    )


def _kept(path: Path, make: Callable[[Path], object]) -> tuple[object, float]:
    """What `make` gives, from a run in a folder of its own, and its processor seconds;
    kept in a file, and from then on read there.
    """
    with locked(path):
        if not path.exists():
            began = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                made = make(Path(folder) / "run")
            path.write_text(
                json.dumps({"made": made, "cpu_seconds": round(time.process_time() - began, 1)}),
                encoding="utf-8",
            )
        kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["made"], float(kept["cpu_seconds"])
