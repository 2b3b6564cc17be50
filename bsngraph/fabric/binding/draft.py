"""The result of reading a graph, before anything is raised: a Fabric as far as it goes,
and every problem found so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.model import Fabric


@dataclass(frozen=True)
class Draft:
    """What could be made of a raw graph.

    `fabric` is None if the graph has a cycle, no source or target, or names that cannot
    be told apart. `broken` are indices of edges whose operation could not be read.
    `places` says on which line a node or edge stands: `node a` → `node a, line 3`.
    """

    origin: str
    fabric: Fabric | None
    broken: frozenset[int]
    problems: tuple[Problem, ...]
    places: Mapping[str, str] = field(default_factory=dict)

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems of nodes and edges, each with the line where it stands."""
        return with_lines(problems, self.places)

    def finish(self) -> Fabric:
        """The Fabric.

        Raises:
            FabricError: there are problems.
        """
        if self.problems or self.fabric is None:
            raise FabricError(self.origin, self.problems)
        return self.fabric


def with_lines(problems: Iterable[Problem], places: Mapping[str, str]) -> list[Problem]:
    """Problems whose `where` is a key of `places`, at the place that stands there."""
    return [replace(one, where=places.get(one.where, one.where)) for one in problems]
