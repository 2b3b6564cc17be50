"""RawEdge → Edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bsngraph.errors import nearest
from bsngraph.fabric.binding.edge_attributes import sort_attributes
from bsngraph.fabric.binding.written_values import ItemContext, Written, typed, written_values
from bsngraph.fabric.model import Edge
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawEdge, place
from bsngraph.ops import OPERATIONS, Operation, Value

_OWN = "one of your own is loaded by --ops FILE.py, in Python by load_operations"
_SURE = 0.85  # how near a known name is to one that must be meant


class BoundEdge(NamedTuple):
    """An edge; `sound` if its operation could be read."""

    edge: Edge
    sound: bool


def raw_to_edge(raw: RawEdge, context: ItemContext) -> BoundEdge:
    """Give an edge's words their meaning."""
    where, problems = place(f"edge {raw.name}", raw.line), context.problems
    before = len(problems.found)
    values = written_values(raw, where, context)
    values.pop("key", None)
    operation = _operation(values.pop("op", None), where, context)
    attributes = sort_attributes(values, operation, where, context)
    if operation is not None and len(problems.found) == before:
        _check_required(operation, attributes.arguments, where, context)
    sound = operation is not None and len(problems.found) == before
    words = attributes.words
    fixed = "fixed" in words and typed("fixed", words["fixed"], bool, where, problems) is True
    probability = None
    if "probability" in words:
        probability = typed("probability", words["probability"], float, where, problems, high=1.0)
    if fixed:
        _check_fixed(raw, where, problems)
    offset = None
    if "concat_offset" in words:
        offset = typed("concat_offset", words["concat_offset"], int, where, problems)
    edge = Edge(
        source=raw.source,
        target=raw.target,
        key=raw.key,
        op=operation.name if operation else "",
        arguments=dict(sorted(attributes.arguments.items())),
        fixed=fixed,
        probability=None if fixed or probability is None else float(probability),
        gate=None if fixed or "gate" not in words else str(words["gate"]),
        choice=None if fixed or "choice" not in words else str(words["choice"]),
        costs=dict(sorted(attributes.costs.items())),
        concat_offset=int(offset) if offset is not None else None,
        style=attributes.style,
        computed=attributes.computed,
    )
    return BoundEdge(edge, sound)


def _operation(given: Written | None, where: str, context: ItemContext) -> Operation | None:
    if given is None:
        spelling = context.spelling
        cure = f"add {spelling.on_item('op')}, or a default {spelling.as_default('edge', 'op')}"
        context.problems.report("the edge has no operation", where, cure)
        return None
    name = str(given.value)
    if name not in OPERATIONS:
        cure = nearest(name, OPERATIONS, otherwise="`bsngraph ops` lists all")
        if cure != nearest(name, OPERATIONS, otherwise=" ", cutoff=_SURE):
            cure = f"{cure}; {_OWN}"
        context.problems.report(f"unknown operation {name!r}", where, cure)
    return OPERATIONS.get(name)


def _check_required(
    operation: Operation, arguments: Mapping[str, Value], where: str, context: ItemContext
) -> None:
    """Report the first argument that the operation needs and the edge lacks."""
    for argument in operation.arguments.values():
        if argument.required and argument.name not in arguments:
            what = f"{operation.name} needs {argument.name}"
            context.problems.report(what, where, f"add {context.spelling.on_item(argument.name)}")
            return


def _check_fixed(raw: RawEdge, where: str, problems: ProblemList) -> None:
    """Report the words that stand on a fixed edge itself and mean nothing there."""
    for word in ("probability", "gate", "choice"):
        if raw.own.get(word) not in (None, ""):
            cure = f"it is always kept: remove {word}, or fixed=true"
            problems.report(f"a fixed edge has no {word}", where, cure)
