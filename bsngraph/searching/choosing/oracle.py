"""How good a search's choice is where that can be known: every distinct sub-network of
a small fabric, judged by the shared weights.

In: a super-network with its weights and the budgets. Out: an `Oracle`, a row for every
distinct live sub-network that connects all targets, inside the budgets or not, in a
fixed order. Each is judged as candidates are when an architecture is chosen: BatchNorm
statistics of its own, then the loss on validation data. What the shared weights think
best need not be what is best after training each alone: the regret here is that of the
choice, not that of weight sharing.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsngraph.costs import Budgets, Cost
from bsngraph.data import Dataset
from bsngraph.errors import InfeasibleBudgetError, InputError
from bsngraph.fabric import Architecture, Booleans, Fabric, connected, every_choice, live_edges
from bsngraph.runs import Json, RunFolder
from bsngraph.searching.choosing.candidate import judge
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import Progress, Score
from bsngraph.whole_files import write_whole

MOST_CHOICES = 2**14


@dataclass(frozen=True)
class Judged:
    """A sub-network with its score on validation data under the shared weights, its
    costs by name, and whether it is inside the budgets.
    """

    architecture: Architecture
    score: Score
    costs: dict[str, float]
    inside: bool


@dataclass(frozen=True)
class Oracle:
    """Every distinct sub-network of `fabric`, best first by validation loss."""

    fabric: Fabric
    rows: tuple[Judged, ...]

    @property
    def best(self) -> Judged:
        """The best one inside the budgets.

        Raises:
            InfeasibleBudgetError: there is none.
        """
        best = next((row for row in self.rows if row.inside), None)
        if best is None:
            raise InfeasibleBudgetError(
                "no sub-network of the fabric is inside the budgets: give it larger ones"
            )
        return best

    def row_of(self, architecture: Architecture) -> Judged:
        """What an architecture of the fabric scored."""
        return next(row for row in self.rows if row.architecture == architecture)

    def regret(self, architecture: Architecture) -> float:
        """How much more validation loss an architecture has than the best one inside
        the budgets; below 0 only for one that is outside.
        """
        return self.row_of(architecture).score.loss - self.best.score.loss

    def summary(self, chosen: Architecture) -> Json:
        """For oracle.json: how many there are, the search's choice, the best ones, and
        the regret in loss and in the headline metric.

        The regret in the metric is by how much it is worse than that of the best by
        loss; it may be below 0. `rank` counts from 1.
        """
        feasible = [row for row in self.rows if row.inside]
        mine, best = self.row_of(chosen), self.best
        headline = best.score.headline
        sign = 1 if headline.higher_is_better else -1
        return {
            "sub_networks": len(self.rows),
            "inside": len(feasible),
            "chosen": self._shown(mine) | {"rank": feasible.index(mine) + 1 if mine.inside else None},
            "best": self._shown(best),
            "best_of_all": self._shown(self.rows[0]),
            "regret": {
                "loss": self.regret(chosen),
                headline.name: sign * (best.score.metrics[headline.name] - mine.score.metrics[headline.name]),
            },
        }

    def to_csv(self) -> str:
        """Columns `edges` (the names of the kept ones, a JSON list), each cost, `loss`,
        each metric, `inside` (1 or 0).
        """
        text = io.StringIO()
        metrics = list(self.rows[0].score.metrics)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["edges", *self.rows[0].costs, "loss", *metrics, "inside"])
        for row in self.rows:
            values = (row.score.metrics[name] for name in metrics)
            writer.writerow(
                [
                    json.dumps(self._names(row), ensure_ascii=False),
                    *row.costs.values(),
                    row.score.loss,
                    *values,
                    int(row.inside),
                ]
            )
        return text.getvalue()

    def _names(self, row: Judged) -> list[str]:
        return [self.fabric.edges[edge].name for edge in row.architecture.live]

    def _shown(self, row: Judged) -> Json:
        return {
            "edges": self._names(row),
            "costs": row.costs,
            "validation": row.score.summary(),
            "inside": row.inside,
        }


def choices_to_try(fabric: Fabric) -> Booleans:
    """Every choice of edges, (choices, edges).

    Raises:
        InputError: there are more than `MOST_CHOICES`.
    """
    kept = every_choice(fabric, MOST_CHOICES)
    if kept is None:
        searchable = len(fabric.searchable)
        raise InputError(
            f"an oracle tries every sub-network, and this fabric has more than {MOST_CHOICES} choices "
            f"({searchable} searchable edges): "
            "leave out --oracle, or set fixed=true on edges until at most 14 decisions are left"
        )
    return kept


def every_architecture(fabric: Fabric) -> list[Architecture]:
    """Every distinct live sub-network that connects all targets, in the order of its
    edges.

    Raises:
        InputError: there are more than `MOST_CHOICES` choices to try.
    """
    live = live_edges(fabric.sweep, choices_to_try(fabric))
    distinct: Booleans = np.unique(live[connected(fabric, live).all(axis=1)], axis=0)
    found = [Architecture.of_mask(row) for row in distinct]
    return sorted(found, key=lambda architecture: architecture.live)


def ask_oracle(
    net: SuperNet,
    dataset: Dataset,
    budgets: Budgets,
    costs: Sequence[Cost] | None = None,
    task: Task | None = None,
) -> Oracle:
    """Judge every distinct sub-network of `net` by its weights, which are left as they
    are, BatchNorm statistics included.

    `costs` are those to report, the budgets' where none are given; `task` is the data's
    own where none is given.

    Raises:
        InputError: the fabric is too large.
    """
    architectures = every_architecture(net.fabric)
    masks = (
        np.stack([architecture.mask for architecture in architectures])
        if architectures
        else np.zeros((0, len(net.fabric.edges)), bool)
    )
    fits = budgets.inside(masks)
    values = {
        cost.name: cost.of(masks)
        for cost in (costs if costs is not None else [budget.cost for budget in budgets])
    }
    judging = copy.deepcopy(net)
    rows = [
        Judged(
            architecture,
            judge(judging, dataset, architecture, task).score,
            {name: float(value[number]) for name, value in values.items()},
            bool(fits[number]),
        )
        for number, architecture in enumerate(architectures)
    ]
    return Oracle(net.fabric, tuple(sorted(rows, key=lambda row: (row.score.loss, row.architecture.live))))


def write_oracle(job: Job, run: RunFolder, net: SuperNet, chosen: Architecture, progress: Progress) -> None:
    """Write oracle.csv and oracle.json, unless the run has them: every sub-network by
    the shared weights, and what the choice misses.
    """
    if run.file("oracle.json").exists():
        return
    progress.note("judging every sub-network with the shared weights …")
    found = ask_oracle(net, job.dataset, job.budgets, job.costs, job.task)
    summary = found.summary(chosen)
    write_whole(run.file("oracle.csv"), found.to_csv())
    run.write_json("oracle.json", summary)
    progress.note(
        f"of {summary['sub_networks']} sub-networks {summary['inside']} are inside the budgets; with the "
        f"shared weights the choice is number {summary['chosen']['rank']} of them: loss "
        f"{summary['chosen']['validation']['loss']:.4g}, the best has "
        f"{summary['best']['validation']['loss']:.4g}"
    )
