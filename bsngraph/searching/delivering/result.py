"""The noun of a run that ended."""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.fabric import Architecture, Fabric
from bsngraph.runs import Json, RunFolder
from bsngraph.supernet import SuperNet
from bsngraph.tasks import TASKS


@dataclass(frozen=True)
class Result:
    """What a run found: where it is, the architecture, the trained network, and
    result.json's content.
    """

    run: RunFolder
    architecture: Architecture
    net: SuperNet
    summary: Json

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
