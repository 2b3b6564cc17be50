"""The problems of one file, as they are found while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bsngraph.errors import FabricError, Problem


@dataclass
class ProblemList:
    """Problems in the order in which they were found.

    Reading ends at `most` of them: nobody reads more, and looking for the cure of each
    takes time. `origin` names the file in the error.
    """

    origin: str
    most: int
    found: list[Problem] = field(default_factory=list)

    def report(self, what: str, where: str, cure: str) -> None:
        """Add a problem.

        Raises:
            FabricError: there are `most` of them now.
        """
        self.found.append(Problem(what, where, cure))
        if len(self.found) >= self.most:
            raise FabricError(self.origin, self.found)

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems that were found together; their number is not checked."""
        self.found += problems

    def raise_if_any(self) -> None:
        """End reading here if anything is wrong.

        Raises:
            FabricError: there are problems.
        """
        if self.found:
            raise FabricError(self.origin, self.found)
