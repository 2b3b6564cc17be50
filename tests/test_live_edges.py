"""Live edges against the walk of every path."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import every_sample, live_by_paths, random_samples, small_fabrics

from bsngraph.fabric import Fabric, connected, fabric_from_networkx, live_edges, read_fabric

graphs_of_paths = small_fabrics(
    operations="identity", max_edges=12, max_sources=3, max_targets=3, inner_targets=True
)


def reference(fabric: Fabric, kept: np.ndarray) -> np.ndarray:
    live = np.zeros_like(kept)
    for row, choice in zip(live, kept, strict=True):
        row[list(live_by_paths(fabric, choice))] = True
    return live


@given(st.data())
@pytest.mark.parametrize("batch", [1, 63, 64, 65, 130])
def test_live_edges_are_the_edges_on_paths_of_kept_edges(batch, data):
    fabric = data.draw(graphs_of_paths)
    kept = data.draw(random_samples(fabric, batch=batch, keep_fixed=False))
    assert np.array_equal(live_edges(fabric.sweep, kept), reference(fabric, kept))


@given(small_fabrics(max_edges=8))
def test_live_edges_are_right_for_every_one_of_the_2_to_the_edges_samples(fabric):
    kept = every_sample(fabric)
    assert np.array_equal(live_edges(fabric.sweep, kept), reference(fabric, kept))


@given(graphs_of_paths)
def test_with_every_edge_kept_every_edge_is_live_and_with_none_kept_none_is(fabric):
    sweep = fabric.sweep
    everything = np.ones((3, len(fabric.edges)), dtype=bool)
    assert live_edges(sweep, everything).all()
    assert not live_edges(sweep, ~everything).any()


@given(st.data())
def test_live_edges_are_kept_and_live_again_when_nothing_else_is_kept(data):
    fabric = data.draw(graphs_of_paths)
    kept = data.draw(random_samples(fabric, keep_fixed=False))
    live = live_edges(fabric.sweep, kept)
    assert not (live & ~kept).any()
    assert np.array_equal(live_edges(fabric.sweep, live), live)


@given(st.data())
def test_keeping_more_never_makes_an_edge_dead(data):
    fabric = data.draw(graphs_of_paths)
    kept = data.draw(random_samples(fabric, batch=20, keep_fixed=False))
    more = kept | data.draw(random_samples(fabric, batch=20, keep_fixed=False))
    sweep = fabric.sweep
    assert not (live_edges(sweep, kept) & ~live_edges(sweep, more)).any()


@given(st.data())
def test_a_target_is_connected_when_a_live_edge_ends_in_it(data):
    fabric = data.draw(graphs_of_paths)
    kept = data.draw(random_samples(fabric, batch=20, keep_fixed=False))
    reached = connected(fabric, live_edges(fabric.sweep, kept))
    assert reached.shape == (20, len(fabric.targets))
    for row, choice in zip(reached, kept, strict=True):
        live = live_by_paths(fabric, choice)
        ends = {fabric.edges[index].target for index in live}
        assert list(row) == [target in ends for target in fabric.targets]


@given(st.data())
def test_the_rows_of_a_batch_do_not_touch_each_other(data):
    fabric = data.draw(graphs_of_paths)
    kept = data.draw(random_samples(fabric, batch=130, keep_fixed=False))
    sweep = fabric.sweep
    alone = np.concatenate([live_edges(sweep, kept[row : row + 1]) for row in range(130)])
    assert np.array_equal(live_edges(sweep, kept), alone)


def test_an_empty_batch_has_no_live_edges():
    fabric = read_fabric(Path(__file__).parents[1] / "fabrics" / "digits.dot")
    live = live_edges(fabric.sweep, np.zeros((0, len(fabric.edges)), dtype=bool))
    assert live.shape == (0, len(fabric.edges))
    assert connected(fabric, live).shape == (0, 1)


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (np.zeros((2, 3), dtype=bool), "bool (2, 3)"),
        (np.zeros(2, dtype=bool), "bool (2,)"),
        (np.zeros((1, 1, 2), dtype=bool), "bool (1, 1, 2)"),
        (np.zeros((2, 2), dtype=np.float32), "float32 (2, 2)"),
        (np.zeros((2, 2), dtype=np.int64), "int64 (2, 2)"),
    ],
)
def test_a_sample_of_another_shape_or_type_is_refused(sample, found):
    import networkx as nx

    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    graph.add_edge("x", "y", op="identity")
    graph.add_edge("x", "y", op="identity")
    with pytest.raises(ValueError, match="a sample is") as caught:
        live_edges(fabric_from_networkx(graph).sweep, sample)
    assert str(caught.value) == f"a sample is a Boolean (batch, 2), not {found}"


def test_a_long_chain_is_live_end_to_end_and_dead_when_one_edge_is_missing():
    import networkx as nx

    graph = nx.MultiDiGraph(source="n0", target="n2000")
    graph.add_node("n0", input="4")
    for i in range(2000):
        graph.add_edge(f"n{i}", f"n{i + 1}", op="identity")
    fabric = fabric_from_networkx(graph)
    kept = np.ones((2, 2000), dtype=bool)
    kept[1, 1234] = False
    live = live_edges(fabric.sweep, kept)
    assert live[0].all()
    assert not live[1].any()
