"""Which network answers for which limit of a range.

In: what networks cost, and how good they are on validation data. Out: for each limit
the best inside. So no network of a front is worse than a cheaper one: where a dearer
one came out worse, the cheaper one answers for its limits too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsngraph.certificate.certificate import ROUNDING


@dataclass(frozen=True)
class Standing:
    """What a network costs of what is ranged, how good it is by the metric that is
    shown, larger is better, and its loss. All are of validation data.
    """

    cost: float
    goodness: float
    loss: float

    @property
    def order(self) -> tuple[float, float, float]:
        """Sorts the best first; of equally good ones the cheapest."""
        return -self.goodness, self.cost, self.loss


def answers_for(limits: Sequence[float], standings: Sequence[Standing]) -> list[int | None]:
    """For each limit the number of the best network inside it, None if none is."""
    best_first = sorted(range(len(standings)), key=lambda number: standings[number].order)
    return [
        next((number for number in best_first if standings[number].cost <= limit * (1 + ROUNDING)), None)
        for limit in limits
    ]
