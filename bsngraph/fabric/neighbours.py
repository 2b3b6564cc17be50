"""All choices there are of a small fabric, and the choices next to one: what searches
without a gradient walk over.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from bsngraph.fabric.decisions import Decisions
from bsngraph.fabric.live import Booleans
from bsngraph.fabric.model import Fabric


def every_choice(fabric: Fabric, most: float) -> Booleans | None:
    """Every legitimate choice of edges, (choices, edges); None where there are more
    than `most`.
    """
    decisions = fabric.decisions
    if (
        len(decisions.free) + sum(math.log2(len(choice)) for choice in decisions.choices)
        > math.log2(most) + 1e-9
    ):
        return None
    options = [((), (variable,)) for variable in decisions.free] + [
        tuple((option,) for option in choice) for choice in decisions.choices
    ]
    picks = list(itertools.product(*options))
    values = np.zeros((len(picks), len(decisions.edges_of)), dtype=np.bool_)
    for row, pick in enumerate(picks):
        values[row, list(itertools.chain(*pick))] = True
    return decisions.kept(values)


def neighbouring_choices(fabric: Fabric, kept: Booleans) -> Booleans:
    """The choices that decide one thing otherwise than `kept` (edges,): one edge or
    gate more or less, another option of a choice, or a parallel edge in place of one:
    (choices, edges).
    """
    return _changed(fabric, kept, _switches(fabric, fabric.decisions.values(kept)))


def few_neighbours(fabric: Fabric, kept: Booleans, most: int) -> Booleans | None:
    """The same; None where there are more than `most`, which is found out without
    making them.
    """
    switches = list(itertools.islice(_switches(fabric, fabric.decisions.values(kept)), most + 1))
    return None if len(switches) > most else _changed(fabric, kept, switches)


_Switch = tuple[Sequence[int], Sequence[int]]  # variables turned on, and variables turned off before


def _switches(fabric: Fabric, base: Booleans) -> Iterator[_Switch]:
    """What neighbours change of the values `base` (variables,)."""
    decisions = fabric.decisions
    for variable in decisions.free:
        yield ((), (variable,)) if base[variable] else ((variable,), ())
    for choice in decisions.choices:
        for option in choice:
            if not base[option]:
                yield (option,), choice
    for group in _parallel(fabric, decisions):
        off = [variable for variable in group if not base[variable]]
        for here in group:
            if base[here]:
                yield from (((there,), (here,)) for there in off)


def _parallel(fabric: Fabric, decisions: Decisions) -> Iterable[Sequence[int]]:
    """Groups of free variables that are single edges between the same two nodes."""
    between: dict[tuple[int, int], list[int]] = {}
    for variable in decisions.free:
        if len(decisions.edges_of[variable]) == 1:
            between.setdefault(fabric.endpoints[decisions.edges_of[variable][0]], []).append(variable)
    return between.values()


def _changed(fabric: Fabric, kept: Booleans, switches: Iterable[_Switch]) -> Booleans:
    base = fabric.decisions.values(kept)
    changed = []
    for on, off in switches:
        values = base.copy()
        values[list(off)] = False
        values[list(on)] = True
        changed.append(values)
    if not changed:
        return np.zeros((0, len(fabric.edges)), dtype=np.bool_)
    return fabric.decisions.kept(np.stack(changed))
