"""The best sub-network that can be found by walking from choice to choice, for costs
that no program can bound.

In: a fabric, where to start, and a score of live edges. Out: live edges of the least
score found. On a fabric of few decisions all choices are scored instead, and the answer
is proved. The work is bounded by what is scored, not by a clock, so the same walk gives
the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.fabric import (
    Booleans,
    Fabric,
    connected,
    every_choice,
    few_neighbours,
    live_edges,
)

# Fabrics with at most so many choices are enumerated.
MOST_ENUMERATED = 1024
# How many numbers are gone through at most for all choices, for a step, and for a
# whole walk.
_MOST_FOR_ALL, _MOST_FOR_STEP, _MOST_FOR_WALK = 2**24, 2**22, 2**26

ScoreLive = Callable[[Booleans], Costs]


@dataclass(frozen=True)
class Found:
    """Live edges (edges,) and their score; `proved` where no choice scores less."""

    live: Booleans
    score: float
    proved: bool


def all_choices(fabric: Fabric, most: float, effort: int) -> Booleans | None:
    """Every legitimate choice of edges, (choices, edges); None where there are more
    than `most`, or too many to look at each with so much `effort`.
    """
    return every_choice(fabric, min(most, _MOST_FOR_ALL / effort))


def least(
    fabric: Fabric,
    score: ScoreLive,
    starts: Iterable[Booleans],
    *,
    effort: int | None = None,
    enough: float = -np.inf,
) -> Found | None:
    """The sub-network of the least score (live edges (batch, edges) → (batch,)); any
    that scores `enough` will do.

    `starts` are legitimate choices of edges (edges,), walked from in turn; None where
    no choice connects every target. `effort` is about how many numbers are gone through
    for one score, the edges if nothing else is said: it bounds the walk.
    """
    effort = effort or len(fabric.edges)
    walker = _Walker(fabric, score, effort)
    every = all_choices(fabric, MOST_ENUMERATED, effort)
    if every is not None:
        live, scores = walker.scored(every)
        best = int(scores.argmin()) if len(scores) else 0
        return Found(live[best], float(scores[best]), proved=True) if len(scores) else None
    found: Found | None = None
    walked: set[bytes] = set()
    for start in starts:
        if start.tobytes() in walked:
            continue
        walked.add(start.tobytes())
        end = walker.descend(start, enough)
        if end is not None and (found is None or end.score < found.score):
            found = end
        if found is not None and found.score <= enough:
            break
    return found


class _Walker:
    def __init__(self, fabric: Fabric, score: ScoreLive, effort: int) -> None:
        self.fabric, self.score, self.effort = fabric, score, effort
        self.sweep = fabric.sweep
        self.fixed = fabric.fixed
        self.left = _MOST_FOR_WALK

    def scored(self, kept: Booleans) -> tuple[Booleans, Costs]:
        """The live edges of those choices (choices, edges) that connect every target,
        each once, and their scores.
        """
        live = live_edges(self.sweep, kept | self.fixed)
        live = live[connected(self.fabric, live).all(axis=1)]
        if len(live):
            live = np.unique(live, axis=0)
        return live, self.score(live) if len(live) else np.zeros(0)

    def descend(self, kept: Booleans, enough: float) -> Found | None:
        """Step to the neighbour of the least score until none scores less, or until
        there are too many to score.
        """
        live, scores = self.scored(kept[None])
        if not len(scores):
            return None
        here, value = live[0], float(scores[0])
        while value > enough:
            near = few_neighbours(self.fabric, kept, min(_MOST_FOR_STEP, self.left) // self.effort)
            if near is None:
                break
            self.left -= len(near) * self.effort
            live_near = live_edges(self.sweep, near | self.fixed)
            whole = connected(self.fabric, live_near).all(axis=1)
            near, live_near = near[whole], live_near[whole]
            if not len(near):
                break
            scores = self.score(live_near)
            best = int(scores.argmin())
            if not scores[best] < value:
                break
            kept, here, value = near[best], live_near[best], float(scores[best])
        return Found(here, value, proved=False)
