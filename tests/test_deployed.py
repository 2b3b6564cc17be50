"""Deployed networks against the nets that they were made from."""

from __future__ import annotations

import copy
import io
import weakref

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from test_supernet import assert_close, choices, inputs_of, randomised, resnet_graph, run, seeds, used
from torch import nn

from bsngraph.fabric import architecture_of, fabric_from_networkx
from bsngraph.ops.merges import MERGES
from bsngraph.supernet import compile_fabric, deploy, named_weights, prune_net


def outputs_of(deployed, fabric, inputs):
    output = deployed(inputs if len(fabric.sources) > 1 else next(iter(inputs.values())))
    return output if isinstance(output, dict) else {fabric.targets[0]: output}


@settings(max_examples=60)
@given(choices(), seeds)
def test_a_deployed_network_equals_the_pruned_net_folded_or_not(choice, seed):
    fabric, kept = choice
    net = prune_net(randomised(compile_fabric(fabric, seed=seed), seed), architecture_of(fabric, kept))
    inputs = used(net.fabric, inputs_of(fabric, seed=seed))
    before = {name: tensor.clone() for name, tensor in named_weights(net).items()}
    with torch.no_grad():
        expected = run(net, inputs)
        assert_close(outputs_of(deploy(net, fold=False), net.fabric, inputs), expected, tolerance=0)
        assert_close(outputs_of(deploy(net), net.fabric, inputs), expected, tolerance=1e-12)
        single = {name: value.float() for name, value in inputs.items()}
        assert_close(outputs_of(deploy(net.float()), net.fabric, single), run(net, single), tolerance=1e-4)
    assert all(torch.equal(tensor, before[name].float()) for name, tensor in named_weights(net).items())


def pruned(graph: nx.MultiDiGraph, seed: int = 0):
    fabric = fabric_from_networkx(graph)
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    return prune_net(net, architecture_of(fabric, np.ones(len(fabric.edges), dtype=bool)))


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "conv", "channels": 6, "dilation": 2},
        {"op": "transposed_conv", "channels": 3},
        {"op": "separable_conv", "channels": 3},
        {"op": "bottleneck_block", "channels": 4},
        {"op": "mbconv", "channels": 4, "squeeze_excite": True},
        {"op": "nn.BatchNorm2d"},
        {"op": "avg_pool", "window": 2, "stride": 2},
    ],
    ids=lambda operation: operation["op"],
)
def test_operations_of_several_parts_are_folded_right(operation):
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4x5x5")
    graph.add_edge("x", "y", **operation)
    net = pruned(graph)
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        assert_close({"y": deploy(net)(x)}, {"y": net(x)}, tolerance=1e-12)


def test_folding_leaves_no_norm_behind_a_convolution_and_not_folding_leaves_all():
    net = pruned(resnet_graph())
    count = {
        fold: sum(isinstance(module, nn.BatchNorm2d) for module in deploy(net, fold=fold).modules())
        for fold in (True, False)
    }
    assert count == {True: 0, False: 6}


def test_a_deployed_network_keeps_channels_last_weights():
    net = pruned(resnet_graph()).to(memory_format=torch.channels_last)
    convs = [
        module for module in deploy(net).modules() if isinstance(module, nn.Conv2d) and module.in_channels > 1
    ]
    assert len(convs) == 5
    assert all(conv.weight.is_contiguous(memory_format=torch.channels_last) for conv in convs)


def test_a_deployed_network_drops_each_value_after_its_last_use():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1x3x3")
    for source, target in [("x", "a"), ("a", "b"), ("b", "c"), ("c", "y"), ("a", "c")]:
        graph.add_edge(source, target, op="conv", channels=2, norm="none")
    deployed = deploy(pruned(graph))
    values: list[weakref.ref] = []
    alive: list[int] = []

    def note(module, given, result):
        alive.append(sum(value() is not None for value in values))
        values.append(weakref.ref(result))

    for module in deployed.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    with torch.no_grad():
        deployed(torch.randn(2, 1, 3, 3, dtype=torch.float64))
    assert alive == [0, 1, 2, 2, 0]  # a; a, b; b with a's way to c; at last nothing but c, which is a sum


@pytest.mark.parametrize("merge", list(MERGES))
def test_a_deployed_network_does_nothing_where_a_node_has_one_input(merge):
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1x3x3")
    graph.add_node("a", merge=merge)
    graph.add_node("y", merge=merge)
    for source, target in [("x", "a"), ("a", "y")]:
        graph.add_edge(source, target, op="conv", channels=2, norm="none")
    ran = [node.op for node in deploy(pruned(graph)).graph.nodes]
    assert ran == ["placeholder", "call_module", "call_module", "output"]


def test_a_deployed_mean_of_several_divides_by_their_number():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1x3x3")
    graph.add_node("y", merge="mean")
    for _ in range(3):
        graph.add_edge("x", "y", op="conv", channels=2, norm="none")
    code = deploy(pruned(graph)).code
    assert (code.count(" / 3"), code.count(" + ")) == (1, 2)


def test_a_deployed_network_can_be_copied_and_exported():
    deployed = deploy(pruned(resnet_graph()).float())
    x = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        expected = deployed(x)
        assert torch.equal(copy.deepcopy(deployed)(x), expected)
        file = io.BytesIO()
        torch.export.save(torch.export.export(deployed, (x,)), file)
        file.seek(0)
        assert torch.allclose(torch.export.load(file).module()(x), expected, rtol=1e-5, atol=1e-5)


def test_a_net_with_searchable_edges_is_refused():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=0)
    with pytest.raises(ValueError, match=r"^edge a0->a1#0 is not fixed: prune the net before deploying it$"):
        deploy(net)
