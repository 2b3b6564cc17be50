"""The noun of a run that ended."""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.displayed import Displayed
from bsngraph.fabric import Architecture, Fabric
from bsngraph.runs import Json, RunFolder
from bsngraph.supernet import SuperNet
from bsngraph.tasks import TASKS
from bsngraph.wording import printable, quantity


@dataclass(frozen=True)
class Result(Displayed):
    """What a run found: where it is, the architecture, the trained network, and
    result.json's content.

    `net` takes inputs that are normalised as the training data were and gives scores;
    `load_predictor(run.path)` takes raw ones and gives classes and probabilities.
    """

    run: RunFolder
    architecture: Architecture
    net: SuperNet
    summary: Json

    def __repr__(self) -> str:
        headline = TASKS[self.summary["task"]].headline
        edges, budgets = self.summary["edges"], self.summary["budgets"]
        told = [f"test {headline.shown(self.test_score)}"]
        told += [f"{quantity(one['value'])} {one['cost']} of {quantity(one['limit'])}" for one in budgets]
        told.append(f"{edges['kept']} of {edges['searchable']} searchable edges kept")
        return printable(f"Result({self.run.path}: {', '.join(told)})")

    @property
    def test_score(self) -> float:
        """The headline metric of its task on the test split: accuracy, mean IoU, RMSE
        or mean average precision.
        """
        return float(self.summary["metrics"]["test"][TASKS[self.summary["task"]].headline.name])

    @property
    def test_accuracy(self) -> float:
        """The share of right classes on the test split, of a classification."""
        return float(self.summary["metrics"]["test"]["accuracy"])

    @property
    def fabric(self) -> Fabric:
        """The discovered sub-network as a fabric, all edges fixed."""
        return self.net.fabric
