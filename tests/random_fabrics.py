"""Random fabrics and samples for hypothesis, and the slow, obvious references that fast
code must equal.

Strategies (each keyword is optional):

    small_fabrics(max_edges=10, max_inner=6, norm="any", max_sources=1, max_targets=1,
                  operations="any", costs=False, inner_targets=False)       → Fabric
    small_graphs(the same)    → nx.MultiDiGraph with the attributes of the file format
    random_samples(fabric, batch=..., keep_fixed=True)      → Boolean (batch, edges)

Every node of a small fabric is 4 channels of 4x4 (`SHAPE`); concat nodes are wider and
are left by convolutions only, so that every operation fits. Every node is reached from
a source and leads to a target. One source is called `x`, one target `y`; several are
x0, x1, … and y0, y1, …; inner nodes are n0, n1, …

References:

    every_sample(fabric)             → (2^searchable, edges) Boolean, fixed edges kept
    live_by_paths(fabric, kept)      → set of edges on a path of kept edges, by walking
    edge_shapes(fabric)              → the shape that every edge gives, by torch
"""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from bsngraph.fabric import Booleans, Fabric, fabric_from_networkx
from bsngraph.ops import Shape

SHAPE: Shape = (4, 4, 4)
_ACTIVATIONS = ("none", "relu", "tanh", "gelu")
_MERGES = ("sum", "sum", "mean", "max", "mul", "concat")


@st.composite
def small_graphs(
    draw: st.DrawFn,
    *,
    max_edges: int = 10,
    max_inner: int = 6,
    norm: str = "any",
    max_sources: int = 1,
    max_targets: int = 1,
    operations: str = "any",
    costs: bool = False,
    inner_targets: bool = False,
) -> nx.MultiDiGraph[str]:
    """A random fabric as networkx graph.

    norm: "any", or "none" for fabrics without BatchNorm. operations: "any", or
    "identity" for graphs of nothing but paths. costs: every edge is annotated with
    `cost_energy`. inner_targets: some inner nodes may be targets as well.
    """
    sources = _terminals("x", draw(st.integers(1, max_sources)))
    targets = _terminals("y", draw(st.integers(1, max_targets)))
    spare = max_edges - (len(sources) - 1) - (len(targets) - 1)
    assert spare >= 4, "too few edges for two inner nodes"
    inner = [f"n{i}" for i in range(draw(st.integers(2, min(max_inner, spare // 2))))]
    ends = _connected_ends(draw, sources, inner, targets)
    order = sources + inner + targets
    possible = [
        pair for pair in itertools.combinations(order, 2) if pair[0] not in targets and pair[1] not in sources
    ]
    ends += draw(st.lists(st.sampled_from(possible), max_size=max_edges - len(ends)))

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="random")
    extra = draw(st.lists(st.sampled_from(inner), max_size=2, unique=True)) if inner_targets else []
    graph.graph.update(format=1, source=",".join(sources), target=",".join([*extra, *targets]))
    for name in order:
        merges = _MERGES if name in inner and operations == "any" else _MERGES[:-1]
        graph.add_node(
            name, merge=draw(st.sampled_from(merges)), activation=draw(st.sampled_from(_ACTIVATIONS))
        )
    for name in sources:
        graph.nodes[name].update(input="x".join(map(str, SHAPE)), merge="sum")
    for source, target in ends:
        graph.add_edge(
            source, target, **_edge(draw, graph.nodes[source]["merge"] == "concat", norm, operations, costs)
        )
    return graph


def small_fabrics(**options: Any) -> st.SearchStrategy[Fabric]:
    """A random fabric; the options are those of `small_graphs`."""
    return small_graphs(**options).map(fabric_from_networkx)


@st.composite
def random_samples(
    draw: st.DrawFn,
    fabric: Fabric,
    *,
    batch: int | st.SearchStrategy[int] | None = None,
    keep_fixed: bool = True,
) -> Booleans:
    """(batch, edges) Boolean; batches around the 64 samples of a word unless given.
    Dense, sparse and in between.
    """
    if batch is None:
        batch = st.sampled_from((1, 2, 63, 64, 65, 130))
    rows = batch if isinstance(batch, int) else draw(batch)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = random.random((rows, len(fabric.edges))) < draw(st.sampled_from((0.2, 0.5, 0.8)))
    if keep_fixed:
        kept |= np.array([edge.fixed for edge in fabric.edges])
    return kept


def every_sample(fabric: Fabric) -> Booleans:
    """(2^searchable, edges) Boolean: every choice there is, fixed edges kept. The last
    row keeps everything.
    """
    kept = np.ones((2 ** len(fabric.searchable), len(fabric.edges)), dtype=np.bool_)
    kept[:, list(fabric.searchable)] = list(itertools.product((False, True), repeat=len(fabric.searchable)))
    return kept


def live_by_paths(fabric: Fabric, kept: Booleans) -> set[int]:
    """The edges on any path of kept edges (edges,) from a source to a target: every
    path is walked.
    """
    live: set[int] = set()

    def walk(node: str, path: tuple[int, ...]) -> None:
        if node in fabric.targets:
            live.update(path)
        for index, edge in enumerate(fabric.edges):
            if edge.source == node and kept[index]:
                walk(edge.target, (*path, index))

    for source in fabric.sources:
        walk(source, ())
    return live


def edge_shapes(fabric: Fabric) -> list[Shape]:
    """The outgoing shape of every edge, found by running its operation on zeros."""
    import torch

    from bsngraph.ops.building import build

    shapes: dict[int, Shape] = {}
    for node in fabric.nodes:
        incoming = [index for index, edge in enumerate(fabric.edges) if edge.target == node.name]
        shape = node.input or shapes[incoming[0]]
        if node.merge == "concat" and incoming:
            shape = (node.concat_channels or sum(shapes[index][0] for index in incoming), *shape[1:])
        for index, edge in enumerate(fabric.edges):
            if edge.source == node.name:
                module = build(edge.op, edge.arguments, shape).eval()
                shapes[index] = tuple(module(torch.zeros(1, *shape)).shape[1:])
    return [shapes[index] for index in range(len(fabric.edges))]


def _terminals(letter: str, count: int) -> list[str]:
    return [letter] if count == 1 else [f"{letter}{i}" for i in range(count)]


def _connected_ends(
    draw: st.DrawFn, sources: list[str], inner: list[str], targets: list[str]
) -> list[tuple[str, str]]:
    """The fewest edges that reach every node and lead from every node to a target."""
    ends = [(draw(st.sampled_from(sources + inner[:position])), name) for position, name in enumerate(inner)]
    for position, name in enumerate(inner):
        if all(source != name for source, _ in ends):
            ends.append((name, draw(st.sampled_from(inner[position + 1 :] + targets))))
    ends += [
        (name, draw(st.sampled_from(inner))) for name in sources if all(source != name for source, _ in ends)
    ]
    ends += [
        (draw(st.sampled_from(inner)), name) for name in targets if all(target != name for _, target in ends)
    ]
    return ends


def _edge(draw: st.DrawFn, from_concat: bool, norm: str, operations: str, costs: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {"op": "identity"}
    if operations == "any":
        norms = ("none", "batch") if norm == "any" else (norm,)
        conv = {"channels": 4, "norm": draw(st.sampled_from(norms))}
        choices: list[dict[str, Any]] = [
            {"op": "conv", "kernel": 1, **conv},
            {"op": "conv", "kernel": 3, **conv},
            {"op": "conv", "kernel": 3, "activation": "relu", **conv},
        ]
        if not from_concat:
            choices += [
                {"op": "identity"},
                {"op": "identity"},
                {"op": "avg_pool", "window": 3, "stride": 1},
                {"op": "max_pool", "window": 3, "stride": 1},
                {"op": "shortcut", "channels": 4},
                {"op": "separable_conv", **conv},
            ]
            if norm == "any":
                choices.append({"op": "basic_block", "channels": 4})
        attributes = dict(draw(st.sampled_from(choices)))
    if draw(st.integers(0, 4)) == 4:
        attributes["fixed"] = True
    elif draw(st.booleans()):
        attributes["probability"] = draw(st.sampled_from((0.1, 0.5, 0.9)))
    if costs:
        attributes["cost_energy"] = draw(st.integers(0, 20)) / 10
    return attributes
