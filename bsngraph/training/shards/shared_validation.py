"""Validation of a search that is shared: each shard has a part of the validation data,
whichever process looks at it.

What parts gave is added up in their order, so it has the same bits on any number of
processes. The first process asks; the others follow until it has asked enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsngraph.data import Dataset, Split
from bsngraph.fabric import Booleans
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training.evaluation import Score, SplitTotals, split_totals
from bsngraph.training.shards.team import Team


@dataclass(frozen=True, eq=False)
class SharedValidation:
    """A network, and the validation data in so many `shards`, of which each process of
    `team` has as many as every other.
    """

    net: SuperNet
    dataset: Dataset
    task: Task
    team: Team
    shards: int

    def score(self, kept: Booleans) -> Score:
        """How a choice of edges (edges,) does; the first process asks.

        Raises:
            PeerLostError: another process ended.
        """
        self.team.from_first(kept)
        return SplitTotals.joined(self.team.to_first(self._own(kept))).score(self.task)

    def follow(self) -> None:
        """Look at the parts of this process, for each choice that the first one asks
        for; what it gives for none ends that.

        Raises:
            PeerLostError: another process ended.
        """
        while (kept := self.team.from_first()) is not None:
            self.team.to_first(self._own(kept))

    def _own(self, kept: Booleans) -> list[SplitTotals]:
        return [
            split_totals(self.net, self.dataset, part, kept, self.task)
            for part in map(self._part, self.team.own(self.shards))
            if part is not None
        ]

    def _part(self, shard: int) -> Split | None:
        """What a shard looks at, None if there are fewer examples than shards."""
        whole = self.dataset.validation
        if self.shards == 1:
            return whole
        rows = np.array_split(np.arange(len(whole)), self.shards)[shard]
        return whole.only(rows) if len(rows) else None
