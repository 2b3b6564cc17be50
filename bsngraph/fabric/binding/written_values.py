"""The attributes of a node or edge as it was written: own ones over inherited ones,
parameters replaced, and each as the type that its word has.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from bsngraph.errors import nearest
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.binding.parameters import Parameters, plain_value
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawEdge, RawNode
from bsngraph.fabric.words.writable_text import cannot_be_written
from bsngraph.ops import Value
from bsngraph.ops.signature import to_type


class Written(NamedTuple):
    """A value, and whether it stands on the item itself, not in a default."""

    value: Value
    own: bool


@dataclass(frozen=True)
class ItemContext:
    """What nodes, or edges, are read with. In `style` words, which only Graphviz reads,
    a `$` is a dollar. Cures use the file's own `spelling`.
    """

    style: frozenset[str]
    parameters: Parameters
    problems: ProblemList
    spelling: Spelling


def written_values(raw: RawNode | RawEdge, where: str, context: ItemContext) -> dict[str, Written]:
    """Name → value, without those that are unset."""
    merged = {name: Written(value, False) for name, value in raw.inherited.items()}
    merged |= {name: Written(value, True) for name, value in raw.own.items()}
    values = {}
    for name, (value, own) in merged.items():
        if value is None:
            continue
        if name not in context.style or (isinstance(value, str) and cannot_be_written(value)):
            value = plain_value(name, value, where, context.parameters, context.problems)
        if value != "":
            values[name] = Written(value, own)
    return values


def typed(
    name: str,
    value: Value,
    kind: type,
    where: str,
    problems: ProblemList,
    *,
    low: float = 0.0,
    high: float = float("inf"),
) -> Value | None:
    """`value` as a type, a number between `low` and `high`. A problem is reported, and
    the value is then None.
    """
    try:
        converted = to_type(value, kind)
        if not isinstance(converted, str) and not low <= converted <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
    except ValueError as error:
        problems.report(f"{name}={value} {error}", where, f"give {name} a value that fits, or leave it out")
        return None
    return converted


def one_of(name: str, value: Value, known: Collection[str], where: str, problems: ProblemList) -> str:
    """`value` if it is known. If not, a problem is reported, and it is the first that
    is.
    """
    if value in known:
        return str(value)
    problems.report(f"{name}={value} is not known", where, nearest(str(value), known))
    return next(iter(known))
