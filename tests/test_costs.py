"""Shapes, counts and costs against formulas by hand, published tables, torch's own
counter, and enumeration.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import SHAPE, edge_shapes, every_sample, live_by_paths, random_samples, small_fabrics
from recursive_evaluator import node_shape
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bsngraph.costs import COSTS, amount, annotated_costs, cheapest, complete_costs, price
from bsngraph.costs.solving.program import solve_choice
from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import (
    Fabric,
    architecture_of,
    connected,
    draft_file,
    fabric_from_networkx,
    live_edges,
    read_fabric,
    write_fabric,
)
from bsngraph.profile import profile_draft, profile_fabric
from bsngraph.supernet import compile_fabric

several = small_fabrics(max_edges=10, max_sources=2, max_targets=2, inner_targets=True, costs=True)
FABRICS = Path(__file__).parents[1] / "fabrics"


# --- shapes and counts


def test_shapes_macs_and_params_of_a_fabric_are_those_of_the_formulas():
    graph = nx.MultiDiGraph(source="image", target="scores")
    graph.add_node("image", input="3x9x7")
    graph.add_node("b", merge="concat")
    edges = {
        "image->a#0": (
            {"op": "conv", "channels": 8, "kernel": 5},
            (8, 9, 7),
            8 * 3 * 25 * 63,
            8 * 3 * 25 + 16,
        ),
        "image->a#1": (
            {"op": "separable_conv", "channels": 8, "norm": "none"},
            (8, 9, 7),
            3 * 9 * 63 + 3 * 8 * 63,
            3 * 9 + 3 + 3 * 8 + 8,
        ),
        "image->b#0": ({"op": "shortcut", "channels": 5, "stride": 2}, (5, 5, 4), 0, 0),
        "a->b#0": (
            {"op": "basic_block", "channels": 16, "stride": 2},
            (16, 5, 4),
            (16 * 8 * 9 + 16 * 16 * 9) * 20,
            16 * 8 * 9 + 16 * 16 * 9 + 4 * 16,
        ),
        "a->b#1": (
            {"op": "conv", "channels": 4, "kernel": 1, "stride": 2, "norm": "none"},
            (4, 5, 4),
            4 * 8 * 20,
            4 * 8 + 4,
        ),
        "a->b#2": ({"op": "max_pool"}, (8, 5, 4), 0, 0),
        "b->scores#0": ({"op": "classifier", "classes": 10}, (10,), 33 * 10, 33 * 10 + 10),
        "b->scores#1": ({"op": "linear", "features": 10}, (10,), 33 * 20 * 10, 33 * 20 * 10 + 10),
    }
    for name, (arguments, *_) in edges.items():
        source, rest = name.split("->")
        target, key = rest.split("#")
        graph.add_edge(source, target, key, **arguments)
    profile = profile_fabric(fabric_from_networkx(graph))
    assert {
        node.name: shape for node, shape in zip(profile.fabric.nodes, profile.node_shapes, strict=True)
    } == {
        "image": (3, 9, 7),
        "a": (8, 9, 7),
        "b": (5 + 16 + 4 + 8, 5, 4),
        "scores": (10,),
    }
    for index, edge in enumerate(profile.fabric.edges):
        _, shape, macs, params = edges[edge.name]
        assert (profile.edge_shapes[index], profile.macs[index], profile.params[index]) == (
            shape,
            macs,
            params,
        ), edge.name


def whole_net_counts(fabric: Fabric) -> tuple[int, int]:
    """MACs of one example through the whole built network, and its parameters, counted
    by torch on the CPU.
    """
    net = compile_fabric(fabric, seed=0).eval()
    inputs = {node.name: torch.zeros(1, *node.input) for node in fabric.nodes if node.name in fabric.sources}
    counter = FlopCounterMode(display=False)
    # the counter knows attention as matrix products only
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        net(inputs if len(inputs) > 1 else next(iter(inputs.values())))
    return counter.get_total_flops() // 2, sum(parameter.numel() for parameter in net.parameters())


@settings(max_examples=30)
@given(several)
def test_totals_equal_what_torch_counts_on_the_built_network(fabric):
    profile = profile_fabric(fabric)
    assert (price(profile, "macs").total, price(profile, "params").total) == whole_net_counts(fabric)
    assert price(profile, "flops").total == 2 * price(profile, "macs").total


@pytest.mark.parametrize("path", sorted(FABRICS.glob("*.dot")), ids=lambda path: path.stem)
def test_totals_of_our_own_fabrics_equal_what_torch_counts_on_the_built_network(path):
    profile = profile_fabric(read_fabric(path))
    assert (profile.macs.sum(), profile.params.sum()) == whole_net_counts(profile.fabric)


@settings(max_examples=30)
@given(several)
def test_shapes_equal_those_of_running_one_operation_after_the_other(fabric):
    profile = profile_fabric(fabric)
    shapes = edge_shapes(fabric)
    assert list(profile.edge_shapes) == shapes
    assert list(profile.node_shapes) == [node_shape(fabric, node.name, shapes) for node in fabric.nodes]


def resnet(depth: int) -> Fabric:
    """He et al.'s ResNet for 32x32 images: every shortcut is option A, so no weights
    but those of the main way.
    """
    graph = nx.MultiDiGraph(
        name=f"resnet{depth}",
        source="image",
        target="scores",
        node={"activation": "relu"},
        edge={"fixed": True},
    )
    graph.add_node("image", input="3x32x32", activation="none")
    graph.add_edge("image", "a0", op="conv", channels=16, kernel=3)
    last = "a0"
    for group, channels in zip("abc", (16, 32, 64), strict=True):
        for block in range((depth - 2) // 6):
            node, stride = f"{group}{block + 1}", 2 if block == 0 and channels > 16 else 1
            if block % 2:  # written either way, it is the same network
                graph.add_edge(last, node, op="basic_block", channels=channels, stride=stride, residual=True)
            else:
                graph.add_edge(last, node, op="basic_block", channels=channels, stride=stride, residual=False)
                graph.add_edge(last, node, op="shortcut", channels=channels, stride=stride)
            last = node
    graph.add_edge(last, "scores", op="classifier", classes=10)
    graph.nodes["scores"]["activation"] = "none"
    return fabric_from_networkx(graph)


@pytest.mark.parametrize(
    ("depth", "macs", "params"),
    [
        (20, 40_551_040, 269_722),
        (32, 68_862_592, 464_154),
        (44, 97_174_144, 658_586),
        (56, 125_485_696, 853_018),
        (110, 252_887_680, 1_727_962),
    ],
)
def test_resnets_have_the_published_macs_and_parameters(depth, macs, params):
    profile = profile_fabric(resnet(depth))
    assert profile.macs.sum() == macs == 442_368 + 2_359_296 * (depth - 3) + 640
    assert profile.params.sum() == params
    found = cheapest(profile.fabric, price(profile, "macs"))
    assert (found.value, found.proved, len(found.architecture.live)) == (
        macs,
        True,
        len(profile.fabric.edges),
    )


def test_a_profile_asks_for_no_memory_however_large_the_fabric_is():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1000x1000x1000")
    graph.add_edge("x", "y", op="conv", channels=2000, kernel=1, norm="none")
    profile = profile_fabric(fabric_from_networkx(graph))
    assert profile.macs[0] == 1000 * 2000 * 1e6
    assert profile.params[0] == 1000 * 2000 + 2000


# --- what does not fit


def problems_of(graph: nx.MultiDiGraph) -> list[str]:
    with pytest.raises(FabricError) as caught:
        profile_fabric(fabric_from_networkx(graph))
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def merging(merge: str, *edges: dict) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(source="x", target="y", name="merging")
    graph.add_node("x", input="2x8x8")
    graph.add_node("a", merge=merge)
    for attributes in edges:
        graph.add_edge("x", "a", **{"op": "conv", "channels": 4, **attributes})
    graph.add_edge("a", "y", op="classifier", classes=3)
    return graph


def test_shapes_that_differ_at_a_merge_are_told_with_every_edge_and_the_cure():
    assert problems_of(merging("sum", {}, {"channels": 6}, {"op": "identity", "channels": None})) == [
        "shapes do not fit at merge=sum: 4x8x8 from x->a#0, 6x8x8 from x->a#1, 2x8x8 from x->a#2 @ node a: "
        "give the operations the same channels and stride: channels=6 on x->a#0, or set merge=concat on the "
        "node"
    ]
    halved = (
        "stride=2 brings the 8x8 of x->a#0 to 4x4; op=upsample or op=upsample_conv with height=8, width=8"
    )
    assert problems_of(merging("max", {}, {"stride": 2})) == [
        "shapes do not fit at merge=max: 4x8x8 from x->a#0, 4x4x4 from x->a#1 @ node a: give the "
        f"operations the same channels and stride: {halved} enlarges that of x->a#1"
    ]
    assert problems_of(merging("concat", {}, {"channels": 6, "stride": 2})) == [
        "shapes do not fit at merge=concat: 4x8x8 from x->a#0, 6x4x4 from x->a#1 @ node a: give the "
        f"operations the same channels and stride: {halved} enlarges that of x->a#1"
    ]


def test_concat_merges_inputs_that_differ_in_channels_alone():
    profile = profile_fabric(
        fabric_from_networkx(merging("concat", {}, {"channels": 6}, {"op": "identity", "channels": None}))
    )
    assert profile.node_shapes[1] == (12, 8, 8)


def test_an_operation_on_a_wrong_input_is_told_with_its_edge_and_what_comes_after_is_not_complained_about():
    graph = merging("sum", {})
    graph.remove_edge("a", "y")
    graph.add_edge("a", "b", op="classifier", classes=3)
    graph.add_edge("b", "c", op="conv", channels=4)
    graph.add_edge("c", "y", op="shortcut", channels=1)
    graph.add_edge("b", "y", op="linear", features=4)
    assert problems_of(graph) == [
        "conv needs an image (channels, height, width), but gets 3 @ edge b->c#0: change its arguments, "
        "or what comes into b"
    ]


def test_an_operation_that_cannot_run_is_told_with_the_edge_and_the_shape():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="3x8x8")
    graph.add_edge("x", "y", op="conv", channels=4, groups=2)
    (problem,) = problems_of(graph)
    assert problem.startswith(
        "conv groups=2 must divide both the 3 incoming and the 4 outgoing channels @ edge x->y#0: "
    )


@pytest.mark.parametrize("slots", [{"concat_offset": 5}, {}, {"concat_offset": 0, "channels": 9}])
def test_an_edge_outside_the_slots_of_a_pruned_concat_node_is_told(slots):
    graph = merging("concat", slots)
    graph.nodes["a"]["concat_channels"] = 8
    channels = slots.get("channels", 4)
    assert problems_of(graph) == [
        f"its {channels} channels have no slot in the 8 of node a @ edge x->a#0: set concat_offset, or "
        "remove concat_channels from the node"
    ]


def test_slots_of_a_pruned_concat_node_that_overlap_are_told():
    graph = merging("concat", {"concat_offset": 0}, {"concat_offset": 2})
    graph.nodes["a"]["concat_channels"] = 8
    assert problems_of(graph) == [
        "its slot overlaps that of x->a#0 @ edge x->a#1: give every edge into node a a concat_offset of "
        "its own"
    ]


def test_a_slot_in_a_concat_node_that_was_not_pruned_is_told():
    assert problems_of(merging("concat", {}, {"concat_offset": 100})) == [
        "concat_offset is the place of a slot in a pruned node only @ edge x->a#1: set concat_channels on "
        "node a too, or remove it"
    ]


def test_problems_of_reading_and_of_shapes_are_told_together(tmp_path):
    path = tmp_path / "wrong.dot"
    path.write_text("""digraph {
        source=x; target=y;
        x [input="2x8x8"];
        x -> a [op=conv, channels=4, kernal=3];
        x -> a [op=conv, channels=6];
        x -> b [op=conv, channels=4];
        x -> b [op=conv, channels=6];
        b -> y [op=classifier, classes=3];
        a -> y [op=clasifier];
    }""")
    with pytest.raises(FabricError) as caught:
        profile_draft(draft_file(path))
    assert str(caught.value).splitlines() == [
        f"{path}: 3 problems",
        "  - conv takes no argument 'kernal' @ edge x->a#0, line 4: did you mean 'kernel'?",
        "  - unknown operation 'clasifier' @ edge a->y#0, line 9: did you mean 'classifier'?",
        "  - shapes do not fit at merge=sum: 4x8x8 from x->b#0, 6x8x8 from x->b#1 @ node b, line 6: "
        "give the operations the same channels and stride: channels=6 on x->b#0, or set merge=concat on the "
        "node",
    ]


def test_a_cycle_is_told_alone_since_nothing_has_a_shape_then(tmp_path):
    path = tmp_path / "cycle.dot"
    path.write_text(
        'digraph { source=x; target=y; edge [op=identity]; x [input="2"]; x -> a -> b -> a; b -> y }'
    )
    with pytest.raises(FabricError, match="the graph has a cycle"):
        profile_draft(draft_file(path))


# --- costs of samples


@settings(max_examples=30)
@given(several, st.data())
def test_the_cost_of_a_sample_is_the_sum_over_its_live_edges(fabric, data):
    profile = profile_fabric(fabric)
    kept = data.draw(random_samples(fabric, batch=5, keep_fixed=False))
    live = live_edges(fabric.sweep, kept)
    for name in ("macs", "params", "flops", "energy"):
        cost = price(profile, name)
        values = {
            "macs": profile.macs,
            "params": profile.params,
            "flops": 2 * profile.macs,
            "energy": [edge.costs["energy"] for edge in fabric.edges],
        }[name]
        for found, choice in zip(cost.of(live), kept, strict=True):
            assert found == pytest.approx(
                sum(float(values[edge]) for edge in live_by_paths(fabric, choice)), rel=1e-12
            )
        whole = live_edges(fabric.sweep, np.ones((1, len(fabric.edges)), dtype=bool))
        assert cost.total == pytest.approx(float(cost.of(whole)[0]), rel=1e-12)


def test_a_sample_without_a_path_costs_nothing_though_fixed_edges_are_kept():
    profile = profile_fabric(read_fabric(FABRICS / "digits.dot"))
    fabric = profile.fabric
    fixed = np.array([[edge.fixed for edge in fabric.edges]])
    assert price(profile, "macs").of(live_edges(fabric.sweep, fixed)).tolist() == [0]


def annotated(*costs: dict[str, float]) -> Fabric:
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    for cost in costs:
        graph.add_edge("x", "y", op="identity", **{f"cost_{name}": value for name, value in cost.items()})
    return fabric_from_networkx(graph)


def test_annotations_are_costs_of_their_name():
    profile = profile_fabric(annotated({"energy": 1.5, "area": 0}, {"energy": 2, "area": 3}, {"energy": 4}))
    assert annotated_costs(profile) == ("area", "energy")
    cost = price(profile, "energy")
    assert (cost.name, cost.unit, cost.per_edge.tolist(), cost.total) == ("energy", "", [1.5, 2, 4], 7.5)
    assert cost.of(np.array([[True, False, True], [False, False, False]])).tolist() == [5.5, 0]
    assert [cost.name for cost in complete_costs(profile)] == [
        *(name for name, kind in COSTS.items() if kind.always),
        "energy",
    ]


def test_an_annotation_that_is_missing_on_some_edges_is_told_with_the_edges_and_the_cure():
    profile = profile_fabric(annotated({"area": 1}, {}, {"area": 2}, {}))
    with pytest.raises(InputError) as caught:
        price(profile, "area")
    assert (
        str(caught.value)
        == "cost 'area' is missing on x->y#1, x->y#3: annotate them, or give a default `edge [cost_area=0]`"
    )
    profile = profile_fabric(annotated({"area": 1}, *[{}] * 10))
    with pytest.raises(InputError, match=r"x->y#8 and 2 more: annotate them"):
        price(profile, "area")


def test_costs_of_the_table_have_their_units():
    profile = profile_fabric(annotated({}))
    assert {cost.name: cost.unit for cost in complete_costs(profile)} == {
        "macs": "MACs",
        "flops": "FLOPs",
        "params": "parameters",
        "bytes": "bytes",
        "memory": "bytes",
    }


# --- information in files


@settings(max_examples=20)
@given(several)
def test_information_in_a_file_is_what_was_computed_and_is_not_read_back_as_the_value(
    tmp_path_factory, fabric
):
    profile = profile_fabric(fabric)
    information = profile.annotated()
    assert information == fabric
    assert [node.tensor for node in information.nodes] == list(profile.node_shapes)
    assert [edge.computed for edge in information.edges] == [
        {"macs": macs, "params": params} for macs, params in zip(profile.macs, profile.params, strict=True)
    ]
    path = tmp_path_factory.mktemp("information") / "fabric.dot"
    write_fabric(information, path)
    text = path.read_text()
    again = read_fabric(path)
    assert [node.tensor for node in again.nodes] == list(profile.node_shapes)
    assert [edge.computed for edge in again.edges] == [edge.computed for edge in information.edges]
    lie = (
        text.replace('computed_macs="', 'computed_macs="9')
        .replace('computed_params="', 'computed_params="9')
        .replace('tensor="', 'tensor="7')
    )
    assert lie != text
    path.write_text(lie)
    lied = read_fabric(path)
    assert lied == again == fabric
    assert lied.edges[0].computed != again.edges[0].computed
    found = profile_fabric(lied)
    assert (found.node_shapes, found.edge_shapes) == (profile.node_shapes, profile.edge_shapes)
    assert np.array_equal(found.macs, profile.macs)
    assert np.array_equal(found.params, profile.params)


# --- the cheapest sub-network


@st.composite
def priced_fabrics(draw) -> Fabric:
    """Random annotations, zeros among them; one target in half of them, so that a
    shortest path is tried.
    """
    one = small_fabrics(max_edges=9, max_inner=4, costs=True)
    fabric = draw(
        st.one_of(
            one,
            small_fabrics(
                max_edges=9, max_inner=4, max_sources=2, max_targets=2, inner_targets=True, costs=True
            ),
        )
    )
    # the solver tells 1e-12 of the largest apart
    values = st.one_of(st.just(0.0), st.floats(0.001, 100), st.floats(1e6, 1e7))
    return replace(
        fabric, edges=tuple(replace(edge, costs={"energy": draw(values)}) for edge in fabric.edges)
    )


@settings(max_examples=60)
@given(priced_fabrics())
def test_the_cheapest_sub_network_is_the_cheapest_of_all_2_to_the_edges_both_ways(fabric):
    profile = profile_fabric(fabric)
    kept = every_sample(fabric)
    live = live_edges(fabric.sweep, kept)
    live = live[connected(fabric, live).all(axis=1)]
    for name in ("energy", "macs", "params"):
        cost = price(profile, name)
        least = cost.of(live).min()
        found = cheapest(fabric, cost)
        assert found.proved
        assert found.value == pytest.approx(least, rel=1e-9, abs=1e-4)
        assert found.value == cost.of(found.architecture.mask[None])[0]
        assert (live == found.architecture.mask).all(axis=1).any()
        choice = solve_choice(fabric, np.zeros(len(fabric.edges)), cost.per_edge)
        assert choice.proved
        assert float(cost.of(architecture_of(fabric, choice.kept).mask[None])[0]) == pytest.approx(
            least, rel=1e-9, abs=1e-4
        )


def test_fixed_edges_that_come_along_are_paid_for():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    for source, target, cost, fixed in [
        ("x", "a", 1, False),
        ("a", "y", 1, False),
        ("a", "y", 10, True),
        ("x", "b", 3, False),
        ("b", "y", 3, False),
    ]:
        graph.add_edge(source, target, op="identity", cost_e=cost, fixed=fixed)
    fabric = fabric_from_networkx(graph)
    found = cheapest(fabric, price(profile_fabric(fabric), "e"))
    # not the shortest path, 2: the fixed edge beside it would be live
    assert (found.value, found.proved) == (6, True)


def test_what_several_targets_share_is_paid_once():
    graph = nx.MultiDiGraph(source="x", target="y,z")
    graph.add_node("x", input="4")
    for source, target, cost in [("x", "a", 5), ("a", "y", 1), ("a", "z", 1), ("x", "y", 4), ("x", "z", 4)]:
        graph.add_edge(source, target, op="identity", cost_e=cost)
    fabric = fabric_from_networkx(graph)
    found = cheapest(fabric, price(profile_fabric(fabric), "e"))
    assert (found.value, found.proved, found.architecture.live) == (
        7,
        True,
        tuple(fabric.edge_index[n] for n in ("x->a#0", "a->y#0", "a->z#0")),
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (412_000, "MACs", "412 k MACs"),
        (40_551_040, "MACs", "40.6 M MACs"),
        (2.5e9, "", "2.5 G"),
        (999, "MACs", "999 MACs"),
        (0, "", "0"),
        (0.25, "", "0.25"),
    ],
)
def test_amounts_are_written_for_people(value, unit, text):
    cost = price(profile_fabric(annotated({"e": 1})), "e")
    assert amount(value, replace(cost, unit=unit)) == text


def test_the_shape_of_random_fabrics_is_what_this_file_takes_it_for():
    assert SHAPE == (4, 4, 4)
