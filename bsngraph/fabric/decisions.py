"""Fabric → Decisions: what there is to decide about it.

A variable is an edge that may be dropped, or all edges of one `gate`, kept or dropped
together. Most variables are free; those of one `choice` exclude each other, and exactly
one of them is on. Everything that chooses edges, samples of Γ, the integer program, the
neighbours of an architecture, chooses values of these variables.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bsngraph.fabric.live import Booleans

if TYPE_CHECKING:
    from bsngraph.fabric.model import Fabric


@dataclass(frozen=True)
class Decisions:
    """`edges_of[v]` are the edges of variable v, `choices` groups of variables of which
    exactly one is on.

    `variable_of` (edges,) is each edge's variable, −1 for fixed edges, which are always
    kept.
    """

    variable_of: NDArray[np.intp]
    edges_of: tuple[tuple[int, ...], ...]
    choices: tuple[tuple[int, ...], ...]

    @functools.cached_property
    def first_edges(self) -> NDArray[np.intp]:
        """The first edge of every variable: (variables,)."""
        return np.array([edges[0] for edges in self.edges_of], dtype=np.intp)

    @functools.cached_property
    def free(self) -> tuple[int, ...]:
        """Variables of no choice."""
        bound = {variable for choice in self.choices for variable in choice}
        return tuple(variable for variable in range(len(self.edges_of)) if variable not in bound)

    def kept(self, values: Booleans) -> Booleans:
        """Edges kept under values of the variables: (…, variables) → (…, edges)."""
        by_variable = np.ones((values.shape[-1] + 1, *values.shape[:-1]), dtype=np.bool_)
        by_variable[:-1] = np.moveaxis(values, -1, 0)
        kept = by_variable[self.variable_of]  # −1, the fixed edges, picks the row of ones
        return np.moveaxis(kept, 0, -1)

    def completed(self, edges: Booleans) -> Booleans | None:
        """A legitimate choice (edges,) that keeps at least these edges: whole gates,
        one option of every choice.

        None where the edges exclude each other. A choice that they leave open falls on
        its first option.
        """
        values = np.array([bool(edges[list(members)].any()) for members in self.edges_of], dtype=np.bool_)
        for choice in self.choices:
            on = int(values[list(choice)].sum())
            if on > 1:
                return None
            if on == 0:
                values[choice[0]] = True
        return self.kept(values)

    def values(self, kept: Booleans) -> Booleans:
        """Values of the variables under edges kept together as they must be: (…, edges)
        → (…, variables).
        """
        values: Booleans = kept[..., self.first_edges]
        return values


def find_decisions(fabric: Fabric) -> Decisions:
    """The decisions of a fabric, in the order of their first edges."""
    variables: dict[str, list[int]] = {}
    variable_of = np.full(len(fabric.edges), -1, dtype=np.intp)
    choices: dict[str, dict[int, None]] = {}
    names: dict[str, int] = {}
    for index, edge in enumerate(fabric.edges):
        if edge.fixed:
            continue
        name = f"gate {edge.gate}" if edge.gate is not None else f"edge {edge.name}"
        variables.setdefault(name, []).append(index)
        variable_of[index] = names.setdefault(name, len(names))
        if edge.choice is not None:
            choices.setdefault(edge.choice, {})[int(variable_of[index])] = None
    return Decisions(
        variable_of,
        tuple(map(tuple, variables.values())),
        tuple(tuple(choice) for choice in choices.values()),
    )
