"""All choices there are of a small fabric, and the choices next to one: what searches
without a gradient walk over.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from bsngraph.fabric.decisions import Decisions
from bsngraph.fabric.live import Booleans
from bsngraph.fabric.model import Fabric


def every_choice(fabric: Fabric, most: int) -> Booleans | None:
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
    decisions = fabric.decisions
    base = decisions.values(kept)
    changed = [
        _switched(base, on=(), off=(variable,)) if base[variable] else _switched(base, on=(variable,), off=())
        for variable in decisions.free
    ]
    for choice in decisions.choices:
        changed += [_switched(base, on=(option,), off=choice) for option in choice if not base[option]]
    for here, there in _parallel(fabric, decisions):
        if base[here] and not base[there]:
            changed.append(_switched(base, on=(there,), off=(here,)))
    return decisions.kept(np.stack(changed)) if changed else np.zeros((0, len(fabric.edges)), dtype=np.bool_)


def _parallel(fabric: Fabric, decisions: Decisions) -> Iterable[tuple[int, int]]:
    """Pairs of free variables that are single edges between the same two nodes."""
    between: dict[tuple[int, int], list[int]] = {}
    for variable in decisions.free:
        if len(decisions.edges_of[variable]) == 1:
            between.setdefault(fabric.endpoints[decisions.edges_of[variable][0]], []).append(variable)
    return (pair for group in between.values() for pair in itertools.permutations(group, 2))


def _switched(values: Booleans, *, on: Sequence[int], off: Sequence[int]) -> Booleans:
    changed = values.copy()
    changed[list(off)] = False
    changed[list(on)] = True
    return changed
