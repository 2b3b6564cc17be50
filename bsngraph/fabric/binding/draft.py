"""The result of reading a graph, before anything is raised: a Fabric as far as it goes,
and every problem found so far.
"""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.model import Fabric


@dataclass(frozen=True)
class Draft:
    """What could be made of a raw graph.

    `fabric` is None if the graph has a cycle, no source or target, or names that cannot
    be told apart. `broken` are indices of edges whose operation could not be read.
    """

    origin: str
    fabric: Fabric | None
    broken: frozenset[int]
    problems: tuple[Problem, ...]

    def finish(self) -> Fabric:
        """The Fabric.

        Raises:
            FabricError: there are problems.
        """
        if self.problems or self.fabric is None:
            raise FabricError(self.origin, self.problems)
        return self.fabric
