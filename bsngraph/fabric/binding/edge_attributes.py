"""The attributes of an edge, told apart: the operation's arguments, words of ours,
costs, information, and Graphviz's style.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bsngraph.errors import nearest
from bsngraph.fabric.binding.cures.misplaced import place_of_word
from bsngraph.fabric.binding.written_values import ItemContext, Written, typed
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.words import graphviz_words
from bsngraph.fabric.words.format_words import COMPUTED_COSTS, COMPUTED_PREFIX, COST_PREFIX
from bsngraph.ops import EDGE_WORDS, Operation, Value

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class EdgeAttributes:
    """An edge's attributes by what they are."""

    arguments: dict[str, Value] = field(default_factory=dict)
    words: dict[str, Value] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    computed: dict[str, float] = field(default_factory=dict)
    style: dict[str, str] = field(default_factory=dict)


def sort_attributes(
    values: Mapping[str, Written], operation: Operation | None, where: str, context: ItemContext
) -> EdgeAttributes:
    """Put every attribute where it belongs.

    One that belongs nowhere is reported if it stands on the edge itself. If it is a
    default, it is meant for edges with another operation.
    """
    found, problems = EdgeAttributes(), context.problems
    for name, (value, own) in values.items():
        if operation is not None and name in operation.arguments:
            try:
                found.arguments[name] = operation.arguments[name].convert(value)
            except ValueError as error:
                cure = f"{operation.name} takes {operation.arguments[name]}"
                problems.report(f"{name}={value} {error}", where, cure)
        elif name in EDGE_WORDS:
            found.words[name] = value
        elif name.startswith(COST_PREFIX) and len(name) > len(COST_PREFIX):
            cost = _cost(name, value, where, problems)
            if cost is not None:
                found.costs[name.removeprefix(COST_PREFIX)] = cost
        elif name.startswith(COMPUTED_PREFIX) and _NAME.fullmatch(name):
            with contextlib.suppress(ValueError):  # information, so text that is not a number is no mistake
                found.computed[name.removeprefix(COMPUTED_PREFIX)] = float(value)
        elif name in graphviz_words.EDGE:
            found.style[name] = str(value)
        elif own and operation is not None:
            takes = f"it takes {', '.join(operation.arguments) or 'no arguments'}"
            elsewhere = place_of_word(name, value, "edge", context.spelling)
            cure = elsewhere or nearest(name, set(operation.arguments) | EDGE_WORDS, otherwise=takes)
            problems.report(f"{operation.name} takes no argument {name!r}", where, cure)
    return found


def _cost(name: str, value: Value, where: str, problems: ProblemList) -> float | None:
    """The value of `cost_NAME`, None if it is not a cost of the author's own."""
    cost = typed(name, value, float, where, problems)
    if not _NAME.fullmatch(name):
        cure = "a cost's name is made of letters, digits and _"
        problems.report(f"{name!r} cannot name a cost", where, cure)
    elif name.removeprefix(COST_PREFIX) in COMPUTED_COSTS:
        cure = "give the annotation another name, or remove it"
        problems.report(f"{name} annotates a cost that is computed", where, cure)
    elif cost is not None:
        return float(cost)
    return None
