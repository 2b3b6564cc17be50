"""Architectures and pruned fabrics."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from random_fabrics import edge_shapes, live_by_paths, random_samples, small_fabrics

from bsngraph.errors import BsngraphError, InputError
from bsngraph.fabric import (
    Architecture,
    Fabric,
    architecture_of,
    fabric_from_networkx,
    prune_fabric,
    read_fabric,
    write_fabric,
)

several = small_fabrics(max_edges=12, max_sources=3, max_targets=2, costs=True)


@st.composite
def choices(draw) -> tuple[Fabric, np.ndarray]:
    """A fabric and a choice of its edges that connects every target."""
    fabric = draw(several)
    kept = draw(random_samples(fabric, batch=1))[0]
    ends = {fabric.edges[index].target for index in live_by_paths(fabric, kept)}
    assume(ends.issuperset(fabric.targets))
    return fabric, kept


def pruned(fabric: Fabric, kept: np.ndarray) -> Fabric:
    return prune_fabric(fabric, architecture_of(fabric, kept), edge_shapes(fabric))


@given(choices())
def test_an_architecture_is_the_live_edges_of_its_choice(choice):
    fabric, kept = choice
    architecture = architecture_of(fabric, kept)
    assert architecture.live == tuple(sorted(live_by_paths(fabric, kept)))
    assert architecture.mask.shape == (len(fabric.edges),)
    assert set(np.flatnonzero(architecture.mask)) == set(architecture.live)


@given(choices())
def test_two_choices_with_the_same_live_edges_are_the_same_architecture(choice):
    fabric, kept = choice
    architecture = architecture_of(fabric, kept)
    assert architecture_of(fabric, architecture.mask) == architecture
    assert hash(architecture_of(fabric, architecture.mask)) == hash(architecture)


@given(several)
def test_fixed_edges_are_kept_whatever_the_choice_says(fabric):
    everything = tuple(replace(edge, fixed=True, probability=None) for edge in fabric.edges)
    nothing = np.zeros(len(fabric.edges), dtype=bool)
    assert architecture_of(replace(fabric, edges=everything), nothing).live == tuple(range(len(everything)))


@given(several)
def test_a_choice_that_leaves_a_target_unconnected_is_an_error_with_its_name(fabric):
    searchable = replace(fabric, edges=tuple(replace(edge, fixed=False) for edge in fabric.edges))
    with pytest.raises(BsngraphError) as caught:
        architecture_of(searchable, np.zeros(len(fabric.edges), dtype=bool))
    name = fabric.targets[0]
    assert (
        str(caught.value)
        == f"no path of kept edges leads from a source to the target {name!r}: keep more edges"
    )
    assert caught.value.exit_code == 1
    assert not isinstance(caught.value, InputError)


@given(choices())
def test_a_pruned_fabric_has_exactly_the_live_edges_with_their_keys_and_all_fixed(choice):
    fabric, kept = choice
    result = pruned(fabric, kept)
    live = {fabric.edges[index].name: fabric.edges[index] for index in live_by_paths(fabric, kept)}
    assert {edge.name for edge in result.edges} == set(live)
    for edge in result.edges:
        before = live[edge.name]
        assert edge.fixed
        assert edge.probability is None
        assert (edge.op, edge.arguments, edge.costs, edge.style) == (
            before.op,
            before.arguments,
            before.costs,
            before.style,
        )


@given(choices())
def test_a_pruned_fabric_has_the_nodes_of_its_edges_and_every_target(choice):
    fabric, kept = choice
    result = pruned(fabric, kept)
    ends = {name for edge in result.edges for name in (edge.source, edge.target)}
    assert {node.name for node in result.nodes} == ends | set(fabric.targets)
    assert result.targets == fabric.targets
    assert result.sources == tuple(name for name in fabric.sources if name in ends)
    for node in result.nodes:
        before = fabric.nodes[fabric.node_index[node.name]]
        assert (node.merge, node.activation, node.input) == (before.merge, before.activation, before.input)


@given(choices())
def test_a_pruned_fabric_equals_what_reading_its_written_file_gives(tmp_path_factory, choice):
    result = pruned(*choice)
    path = tmp_path_factory.mktemp("pruned") / "architecture.dot"
    write_fabric(result, path)
    assert read_fabric(path) == result


@given(choices())
def test_pruning_twice_is_the_same_as_once(choice):
    once = pruned(*choice)
    assert pruned(once, np.ones(len(once.edges), dtype=bool)) == once


@given(choices())
def test_a_pruned_concat_node_keeps_one_slot_for_each_edge_it_had(choice):
    fabric, kept = choice
    shapes = edge_shapes(fabric)
    result = pruned(fabric, kept)
    for node in result.nodes:
        edges = [edge for edge in result.edges if edge.target == node.name]
        if node.merge != "concat":
            assert node.concat_channels is None
            assert all(edge.concat_offset is None for edge in edges)
            continue
        incoming = [index for index, edge in enumerate(fabric.edges) if edge.target == node.name]
        assert node.concat_channels == sum(shapes[index][0] for index in incoming)
        for edge in edges:
            before = incoming[: [fabric.edges[index].name for index in incoming].index(edge.name)]
            assert edge.concat_offset == sum(shapes[index][0] for index in before)


@given(choices())
def test_the_edges_of_a_pruned_fabric_give_what_they_gave_in_the_whole(choice):
    fabric, kept = choice
    result = pruned(fabric, kept)
    whole = {edge.name: shape for edge, shape in zip(fabric.edges, edge_shapes(fabric), strict=True)}
    assert edge_shapes(result) == [whole[edge.name] for edge in result.edges]


def test_concat_slots_lie_one_after_the_other_in_the_order_of_the_edges():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1x4x4")
    graph.add_node("y", merge="concat")
    for channels in (3, 5, 7):
        graph.add_edge("x", "y", op="conv", channels=channels)
    fabric = fabric_from_networkx(graph)
    result = prune_fabric(fabric, Architecture(3, (0, 2)), [(3, 4, 4), (5, 4, 4), (7, 4, 4)])
    assert [(edge.key, edge.concat_offset) for edge in result.edges] == [("0", 0), ("2", 8)]
    assert result.nodes[1].concat_channels == 15
    again = prune_fabric(result, Architecture(2, (1,)), [(3, 4, 4), (7, 4, 4)])
    assert [(edge.key, edge.concat_offset) for edge in again.edges] == [("2", 8)]
    assert again.nodes[1].concat_channels == 15


def test_a_node_may_come_earlier_once_the_edges_before_it_are_pruned():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    for source, target in [
        ("x", "m"),
        ("m", "a"),
        ("x", "a"),
        ("x", "b"),
        ("a", "y"),
        ("b", "c"),
        ("c", "y"),
    ]:
        graph.add_edge(source, target, op="identity")
    fabric = fabric_from_networkx(graph)
    assert [node.name for node in fabric.nodes] == ["x", "b", "m", "a", "c", "y"]
    without_m = np.array(["m" not in (edge.source, edge.target) for edge in fabric.edges])
    result = pruned(fabric, without_m)
    assert [node.name for node in result.nodes] == ["x", "a", "b", "c", "y"]
