"""The ends of a graph: sources that cannot be one, and nodes that should be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from bsngraph.errors import Problem
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.model import Node
from bsngraph.fabric.reading.raw import RawGraph


def end_problems(
    raw: RawGraph,
    entered: AbstractSet[str],
    nodes: Mapping[str, Node],
    places: Mapping[str, str],
    sources: Sequence[str],
    targets: Sequence[str],
    spelling: Spelling,
) -> list[Problem]:
    """What is wrong with sources and targets; `entered` are the nodes with incoming
    edges, `places` says where each node stands.
    """
    problems = []
    ends = frozenset(sources)
    with_input = {
        node.name for node in raw.nodes if {**node.inherited, **node.own}.get("input") not in (None, "")
    }
    for name, node in nodes.items():
        incoming = name in entered
        if name in ends:
            problems += _source_problems(places[name], incoming, name in with_input, spelling)
        else:
            problems += _inner_problems(places[name], incoming, node.input is not None, sources, spelling)
    for name in sorted({*sources} & {*targets}):
        cure = "name another target: it is reached over edges"
        problems.append(Problem("the source is a target too", places[name], cure))
    return problems


def _source_problems(where: str, incoming: bool, has_input: bool, spelling: Spelling) -> list[Problem]:
    problems = []
    if not has_input:
        example = spelling.on_item("input", "3x32x32")
        cure = f"add {example} (the sizes of one example, channels first)"
        problems.append(Problem("the source has no input shape", where, cure))
    if incoming:
        cure = "remove them, or name another source"
        problems.append(Problem("the source has incoming edges", where, cure))
    return problems


def _inner_problems(
    where: str, incoming: bool, has_input: bool, sources: Sequence[str], spelling: Spelling
) -> list[Problem]:
    problems = []
    as_source = spelling.on_graph("source")
    if not incoming:
        cure = (
            f"add an edge into it, or name it in {as_source}, or remove it (sources: "
            f"{', '.join(sources) or 'none'})"
        )
        problems.append(Problem("the node has no incoming edge and is not a source", where, cure))
    if has_input:
        cure = f"name it in {as_source}, or remove input"
        problems.append(Problem("the node has an input shape but is not a source", where, cure))
    return problems
