"""Compiled networks against the recursive evaluator, against their pruned selves, and
against modules written by hand.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import SHAPE, edge_shapes, live_by_paths, random_samples, small_fabrics
from recursive_evaluator import evaluate, node_shape
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, architecture_of, fabric_from_networkx, read_fabric, write_fabric
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES
from bsngraph.profile import profile_fabric
from bsngraph.supernet import SuperNet, compile_fabric, load_named_weights, named_weights, prune, prune_net
from bsngraph.supernet.rows import add_rows, spread_rows, take_rows

BATCH = 4


@st.composite
def fabrics(draw, **options) -> Fabric:
    """A small fabric with any activation of the language."""
    options = {
        "max_edges": 9,
        "max_inner": 4,
        "max_sources": 2,
        "max_targets": 2,
        "inner_targets": True,
        **options,
    }
    fabric = draw(small_fabrics(**options))
    nodes = tuple(
        replace(node, activation=draw(st.sampled_from(tuple(ACTIVATIONS)))) for node in fabric.nodes
    )
    return replace(fabric, nodes=nodes)


seeds = st.integers(0, 2**31)


def randomised(net: SuperNet, seed: int) -> SuperNet:
    """The net in float64 and evaluation mode, with running statistics and affine
    weights of BatchNorm that matter.
    """
    generator = torch.Generator().manual_seed(seed)
    net.double().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in [
                (module.running_mean, -1, 1),
                (module.running_var, 0.5, 2),
                (module.weight, 0.5, 1.5),
                (module.bias, -1, 1),
            ]:
                tensor.data.uniform_(low, high, generator=generator)
    return net


def inputs_of(fabric: Fabric, batch: int = BATCH, seed: int = 0, dtype=torch.float64) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(batch, *SHAPE, generator=generator, dtype=torch.float64).to(dtype)
        for name in fabric.sources
    }


def run(net: SuperNet, inputs: dict[str, Tensor], kept=None) -> dict[str, Tensor]:
    """Outputs by target name, whatever their number."""
    output = net(inputs if len(inputs) > 1 else next(iter(inputs.values())), kept)
    return output if isinstance(output, dict) else {net.fabric.targets[0]: output}


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-9) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].shape == value.shape
        assert torch.isfinite(found[name]).all()
        scale = max(1.0, float(value.abs().max())) if value.numel() else 1.0
        assert float((found[name] - value).abs().max()) <= tolerance * scale


# --- against the recursive evaluator


@settings(max_examples=80)
@given(fabrics(), st.data(), seeds)
def test_a_compiled_network_under_a_sample_equals_the_recursive_evaluator(fabric, data, seed):
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    kept = data.draw(random_samples(fabric, batch=BATCH, keep_fixed=False))
    inputs = inputs_of(fabric, seed=seed)
    with torch.no_grad():
        assert_close(run(net, inputs, kept), evaluate(net, inputs, kept))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("merge", list(MERGES))
def test_each_merge_with_each_activation_equals_the_recursive_evaluator_on_parallel_edges(merge, activation):
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_node("a", activation=activation, merge="mean")
    graph.add_node("y", merge=merge, activation=activation)
    graph.add_edge("x", "a", op="conv", channels=3, kernel=3)
    for kernel in (1, 3, 5):
        graph.add_edge("a", "y", op="conv", channels=3, kernel=kernel)
    graph.add_edge("x", "y", op="conv", channels=3, kernel=1, norm="none")
    net = randomised(compile_fabric(fabric_from_networkx(graph), seed=1), 1)
    kept = np.random.default_rng(0).random((12, 5)) < 0.5
    inputs = {"x": torch.randn(12, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))}
    with torch.no_grad():
        assert_close(run(net, inputs, kept), evaluate(net, inputs, kept))
        assert_close(run(net, inputs), evaluate(net, inputs, np.ones((12, 5), dtype=bool)))


@settings(max_examples=30)
@given(fabrics(), st.data(), seeds)
def test_channels_last_inputs_and_weights_give_the_same_values(fabric, data, seed):
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    kept = data.draw(random_samples(fabric, batch=BATCH))
    inputs = inputs_of(fabric, seed=seed)
    with torch.no_grad():
        plain = run(net, inputs, kept)
        net.to(memory_format=torch.channels_last)
        assert_close(
            run(net, {name: x.to(memory_format=torch.channels_last) for name, x in inputs.items()}, kept),
            plain,
        )


@settings(max_examples=20)
@given(fabrics(), st.data())
def test_a_route_kept_and_run_again_is_the_sample_itself(fabric, data):
    net = randomised(compile_fabric(fabric, seed=0), 0)
    kept = data.draw(random_samples(fabric, batch=BATCH))
    route = net.route(kept)
    with torch.no_grad():
        for seed in (1, 2):
            inputs = inputs_of(fabric, seed=seed)
            assert_close(run(net, inputs, route), run(net, inputs, kept), tolerance=0)


def test_no_sample_means_that_every_edge_is_kept_and_an_empty_batch_gives_an_empty_output():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_edge("x", "y", op="conv", channels=5)
    graph.add_edge("x", "y", op="conv", channels=5, kernel=1)
    net = compile_fabric(fabric_from_networkx(graph), seed=0).eval()
    x = torch.randn(3, 2, 3, 3)
    assert torch.equal(net(x), net(x, np.ones((3, 2), dtype=bool)))
    assert net(x[:0]).shape == (0, 5, 3, 3)


def test_the_activation_of_a_source_is_applied_to_its_input():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="3", activation="relu")
    graph.add_edge("x", "y", op="identity")
    net = compile_fabric(fabric_from_networkx(graph), seed=0)
    x = torch.tensor([[-1.0, 0.5, 2.0]])
    assert torch.equal(net(x), torch.tensor([[0.0, 0.5, 2.0]]))
    assert torch.equal(x, torch.tensor([[-1.0, 0.5, 2.0]]))


def resnet_graph() -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(source="image", target="scores", node={"activation": "relu"})
    graph.add_node("image", input="1x8x8", activation="none")
    graph.add_edge("image", "a0", op="conv", channels=4, fixed=True)
    graph.add_edge("a0", "a1", op="basic_block", channels=4)
    graph.add_edge("a1", "b0", op="basic_block", channels=8, stride=2, residual=False)
    graph.add_edge("a1", "b0", op="conv", channels=8, kernel=1, stride=2)
    graph.add_edge("b0", "scores", op="classifier", classes=3, fixed=True)
    graph.nodes["scores"]["activation"] = "none"
    return graph


class HandWritten(nn.Module):
    """The network of `resnet_graph`, as one writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(4)
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(4, 4, 3, padding=1, bias=False),
                nn.Conv2d(4, 4, 3, padding=1, bias=False),
                nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False),
                nn.Conv2d(8, 8, 3, padding=1, bias=False),
            ]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels) for channels in (4, 4, 8, 8)])
        self.projection = nn.Conv2d(4, 8, 1, stride=2, bias=False)
        self.projection_norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = functional.relu(self.stem_norm(self.stem(x)))
        y = self.norms[1](self.convs[1](functional.relu(self.norms[0](self.convs[0](x)))))
        x = functional.relu(x + y)
        y = self.norms[3](self.convs[3](functional.relu(self.norms[2](self.convs[2](x)))))
        x = functional.relu(y + self.projection_norm(self.projection(x)))
        return self.head(x.mean(dim=(2, 3)))

    #: our names in the order of this module's own
    names = (
        *(f"image->a0#0/{part}" for part in ("conv", "norm")),
        *(f"a0->a1#0/{part}.conv" for part in ("first", "second")),
        *(f"a1->b0#0/{part}.conv" for part in ("first", "second")),
        *(f"a0->a1#0/{part}.norm" for part in ("first", "second")),
        *(f"a1->b0#0/{part}.norm" for part in ("first", "second")),
        *(f"a1->b0#1/{part}" for part in ("conv", "norm")),
        "b0->scores#0/linear",
    )


@pytest.mark.parametrize("training", [False, True])
def test_the_whole_network_equals_a_module_written_by_hand_with_the_same_weights(training):
    net = randomised(compile_fabric(fabric_from_networkx(resnet_graph()), seed=3), 3).train(training)
    hand = HandWritten().double().train(training)
    weights = named_weights(net)
    mine = [module for module in hand.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    for module, name in zip(mine, HandWritten.names, strict=True):
        module.load_state_dict({tensor: weights[f"{name}.{tensor}"] for tensor in module.state_dict()})
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, theirs = net(x), hand(x)
    assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    parameters = dict(zip(HandWritten.names, mine, strict=True))
    for edge, operation in zip(net.fabric.edges, net.operations, strict=True):
        for name, parameter in operation.named_parameters():
            module, tensor = f"{edge.name}/{name}".rsplit(".", 1)
            assert torch.allclose(
                parameter.grad, getattr(parameters[module], tensor).grad, rtol=1e-9, atol=1e-9
            )


# --- against the pruned network


@st.composite
def choices(draw, **options):
    """A fabric and a choice of its edges that connects every target."""
    fabric = draw(fabrics(**options))
    kept = draw(random_samples(fabric, batch=1))[0]
    ends = {fabric.edges[index].target for index in live_by_paths(fabric, kept)}
    assume(ends.issuperset(fabric.targets))
    return fabric, kept


def under(net: SuperNet, inputs: dict[str, Tensor], kept: np.ndarray) -> dict[str, Tensor]:
    batch = next(iter(inputs.values())).shape[0]
    return run(net, inputs, np.repeat(kept[None], batch, axis=0))


def used(fabric: Fabric, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: inputs[name] for name in fabric.sources}


@settings(max_examples=80)
@given(choices(), seeds)
def test_pruned_network_equals_supernet_under_its_sample(choice, seed):
    fabric, kept = choice
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    inputs = inputs_of(fabric, seed=seed)
    pruned = prune_net(net, architecture_of(fabric, kept))
    with torch.no_grad():
        assert_close(run(pruned, used(pruned.fabric, inputs)), under(net, inputs, kept), tolerance=1e-12)
        single = {name: value.float() for name, value in inputs.items()}
        assert_close(
            run(pruned.float(), used(pruned.fabric, single)), under(net.float(), single, kept), tolerance=1e-4
        )


def test_a_pruned_network_keeps_the_number_type_and_the_mode_of_the_whole():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=3).double()
    architecture = architecture_of(net.fabric, np.array([True, True, False, True, True]))
    for training in (True, False):
        pruned = prune_net(net.train(training), architecture)
        assert pruned.training is training
        assert {parameter.dtype for parameter in pruned.parameters()} == {torch.float64}
    whole = named_weights(net)
    for name, tensor in named_weights(pruned).items():
        assert torch.equal(tensor, whole[name])
        assert tensor.data_ptr() != whole[name].data_ptr()


@settings(max_examples=25)
@given(choices(), seeds)
def test_a_pruned_network_goes_through_its_files_unchanged(tmp_path_factory, choice, seed):
    fabric, kept = choice
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    path = tmp_path_factory.mktemp("pruned") / "architecture.dot"
    write_fabric(profile_fabric(prune(net.profile, architecture_of(fabric, kept))).annotated(), path)
    again = compile_fabric(read_fabric(path), seed=seed + 1).double().eval()
    load_named_weights(again, named_weights(net))
    inputs = inputs_of(fabric, seed=seed)
    with torch.no_grad():
        assert_close(run(again, used(again.fabric, inputs)), under(net, inputs, kept), tolerance=1e-12)


def test_concat_slots_stay_in_place_when_pruning_puts_their_nodes_into_another_order():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_node("y", merge="concat")
    ways = [("x", "a"), ("a", "b"), ("b", "c"), ("x", "c"), ("b", "y"), ("c", "y")]
    for number, (source, target) in enumerate(ways):
        graph.add_edge(source, target, op="conv", channels=3 if target != "y" else 2 + number, kernel=1)
    fabric = fabric_from_networkx(graph)
    net = randomised(compile_fabric(fabric, seed=0), 0)
    # c comes before b now, its slot still after b's
    kept = np.array([edge.name != "b->c#0" for edge in fabric.edges])
    pruned = prune_net(net, architecture_of(fabric, kept))
    assert [edge.name for edge in pruned.fabric.edges if edge.target == "y"] == ["c->y#0", "b->y#0"]
    inputs = {"x": torch.randn(3, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))}
    with torch.no_grad():
        assert_close(run(pruned, inputs), under(net, inputs, kept), tolerance=1e-12)


@settings(max_examples=25)
@given(choices(), st.data(), seeds)
def test_a_pruned_network_can_be_sampled_and_pruned_again(choice, data, seed):
    fabric, kept = choice
    net = randomised(compile_fabric(fabric, seed=seed), seed)
    once = prune_net(net, architecture_of(fabric, kept))
    sample = data.draw(random_samples(once.fabric, batch=BATCH, keep_fixed=False))
    inputs = used(once.fabric, inputs_of(fabric, seed=seed))
    with torch.no_grad():
        assert_close(run(once, inputs, sample), evaluate(once, inputs, sample))
        twice = prune_net(once, architecture_of(once.fabric, np.zeros(len(once.fabric.edges), dtype=bool)))
        assert_close(run(twice, inputs), run(once, inputs), tolerance=0)


# --- what runs, and for whom


@settings(max_examples=40)
@given(fabrics(), st.data())
def test_only_live_edges_run_and_only_for_the_examples_they_are_live_for(fabric, data):
    net = randomised(compile_fabric(fabric, seed=0), 0)
    kept = data.draw(random_samples(fabric, batch=st.sampled_from((1, 3, 7)), keep_fixed=False))
    seen: dict[int, list[int]] = defaultdict(list)
    for index, operation in enumerate(net.operations):
        operation.register_forward_hook(
            lambda _, given, result, index=index: seen[index].append(given[0].shape[0])
        )
    with torch.no_grad():
        run(net, inputs_of(fabric, batch=len(kept)), kept)
    counts = np.zeros(len(fabric.edges), dtype=int)
    for choice in kept:
        counts[list(live_by_paths(fabric, choice))] += 1
    assert dict(seen) == {index: [count] for index, count in enumerate(counts) if count}


@settings(max_examples=40)
@given(fabrics(), st.data())
def test_a_node_holds_exactly_the_examples_it_is_live_for(fabric, data):
    kept = data.draw(random_samples(fabric, batch=6, keep_fixed=False))
    route = compile_fabric(fabric, seed=0).route(kept)
    rows = np.zeros((6, len(fabric.nodes)), dtype=bool)
    for row, choice in zip(rows, kept, strict=True):
        row[[fabric.node_index[fabric.edges[index].target] for index in live_by_paths(fabric, choice)]] = True
    assert {step.node: step.count for step in route.nodes} == {
        n: int(rows[:, n].sum()) for n in range(len(fabric.nodes)) if rows[:, n].any()
    }


def test_values_are_forgotten_after_their_last_use():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="1x3x3")
    for source, target in [("x", "a"), ("a", "b"), ("b", "c"), ("c", "y"), ("a", "c")]:
        graph.add_edge(source, target, op="conv", channels=2)
    net = compile_fabric(fabric_from_networkx(graph), seed=0).eval()
    values: list[weakref.ref] = []
    alive: list[int] = []

    def note(module, given, result):
        alive.append(sum(value() is not None for value in values))
        values.append(weakref.ref(result))

    for operation in net.operations:
        operation.register_forward_hook(note)
    with torch.no_grad():
        net(torch.randn(2, 1, 3, 3))
    assert [edge.name for edge in net.fabric.edges] == ["x->a#0", "a->b#0", "a->c#0", "b->c#0", "c->y#0"]
    # a's value goes with its last edge; when c is being used its sum is all that is
    # left
    assert alive == [0, 1, 2, 2, 0]


@settings(max_examples=20)
@given(fabrics(), st.data())
def test_a_pass_leaves_its_inputs_as_they_are(fabric, data):
    net = randomised(compile_fabric(fabric, seed=0), 0)
    inputs = inputs_of(fabric)
    before = {name: value.clone() for name, value in inputs.items()}
    run(net, inputs, data.draw(random_samples(fabric, batch=BATCH, keep_fixed=False)))
    assert all(torch.equal(inputs[name], value) for name, value in before.items())


# --- gradients


def gradients(net: SuperNet, inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> list[Tensor]:
    """Of a loss that weighs every output differently, by parameters and inputs."""
    tensors = [*net.parameters(), *inputs.values()]
    loss = sum(
        number * (value * torch.arange(value.numel()).view_as(value).sin()).sum()
        for number, value in enumerate(outputs.values(), 1)
    )
    if not loss.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    return [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(tensors, found, strict=True)
    ]


@settings(max_examples=50)
@given(fabrics(norm="none"), st.data(), seeds)
def test_gradients_in_training_equal_those_of_the_recursive_evaluator(fabric, data, seed):
    net = compile_fabric(fabric, seed=seed).double().train()
    kept = data.draw(random_samples(fabric, batch=BATCH, keep_fixed=False))
    inputs = {name: value.requires_grad_() for name, value in inputs_of(fabric, seed=seed).items()}
    found = gradients(net, inputs, run(net, inputs, kept))
    expected = gradients(net, inputs, evaluate(net, inputs, kept))
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.isfinite(mine).all()
        assert float((mine - theirs).abs().max()) <= 1e-9 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("merge", list(MERGES))
def test_an_example_without_path_is_zero_and_brings_no_nan_into_gradients(merge):
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_node("y", merge=merge)
    for _ in range(3):
        graph.add_edge("x", "y", op="conv", channels=2)
    net = compile_fabric(fabric_from_networkx(graph), seed=0).train()
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    kept = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=bool)
    y = net(x, kept)
    assert not y[0].any()
    assert torch.isfinite(y).all()
    assert y[1:].flatten(1).abs().sum(1).all()
    (y.square().sum() + y.exp().mean()).backward()
    for gradient in (x.grad, *(parameter.grad for parameter in net.parameters())):
        assert torch.isfinite(gradient).all()
    assert not x.grad[0].any()


def test_a_batch_without_any_path_is_zero_and_has_no_gradient():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=0).train()
    before = {name: tensor.clone() for name, tensor in named_weights(net).items()}
    y = net(torch.randn(3, 1, 8, 8), np.zeros((3, 5), dtype=bool))
    assert torch.equal(y, torch.zeros(3, 3))
    assert not y.requires_grad
    assert all(torch.equal(tensor, before[name]) for name, tensor in named_weights(net).items())


# --- BatchNorm in a sampled pass


def test_batch_norm_sees_only_the_examples_whose_edge_is_live():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_edge("x", "a", op="conv", channels=3)
    graph.add_edge("x", "a", op="basic_block", channels=3)
    graph.add_edge("a", "y", op="conv", channels=3)
    graph.add_edge("x", "y", op="conv", channels=3, kernel=1)
    fabric = fabric_from_networkx(graph)
    net, alone = (compile_fabric(fabric, seed=5).double().train() for _ in range(2))
    assert [edge.name for edge in fabric.edges] == ["x->a#0", "x->a#1", "x->y#0", "a->y#0"]
    kept = np.random.default_rng(1).random((16, 4)) < 0.5
    kept[0] = [True, True, True, False]  # a leads nowhere: its edges are kept and not live
    x = torch.randn(16, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = net(x, kept)

    first, block, direct, last = alone.operations
    takes = [torch.from_numpy(np.flatnonzero(kept[:, 3] & kept[:, edge])) for edge in (0, 1)]
    a = torch.zeros(16, 3, 3, 3, dtype=torch.float64)
    a[takes[0]] += first(x[takes[0]])
    a[takes[1]] += block(x[takes[1]])
    expected = torch.zeros_like(a)
    alive = torch.from_numpy(np.flatnonzero(kept[:, 3] & (kept[:, 0] | kept[:, 1])))
    expected[alive] += last(a[alive])
    straight = torch.from_numpy(np.flatnonzero(kept[:, 2]))
    expected[straight] += direct(x[straight])
    assert torch.allclose(y, expected, rtol=1e-12, atol=1e-12)
    reference = named_weights(alone)
    for name, tensor in named_weights(net).items():
        assert torch.allclose(tensor, reference[name], rtol=1e-12, atol=1e-12), name


def test_an_edge_that_no_example_is_live_for_leaves_its_batch_norm_alone():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=0).train()
    before = {name: tensor.clone() for name, tensor in named_weights(net).items()}
    net(torch.randn(3, 1, 8, 8), np.tile(np.array([True, True, False, True, True]), (3, 1)))
    changed = {
        name.split("/")[0]
        for name, tensor in named_weights(net).items()
        if not torch.equal(tensor, before[name])
    }
    assert changed == {"image->a0#0", "a0->a1#0", "a1->b0#1"}


# --- wrong calls


def test_a_sample_of_another_batch_size_is_refused():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=0)
    with pytest.raises(
        ValueError, match=r"^the sample has 2 rows and the batch 3 examples: they must agree$"
    ):
        net(torch.randn(3, 1, 8, 8), np.ones((2, 5), dtype=bool))
    with pytest.raises(
        ValueError, match=r"^the sample has 2 rows and the batch 3 examples: they must agree$"
    ):
        net(torch.randn(3, 1, 8, 8), net.route(np.ones((2, 5), dtype=bool)))
    with pytest.raises(ValueError, match=r"a sample is a Boolean \(batch, 5\), not bool \(3, 4\)"):
        net(torch.randn(3, 1, 8, 8), np.ones((3, 4), dtype=bool))


def two_sources() -> Fabric:
    graph = nx.MultiDiGraph(source="left,right", target="y")
    for name in ("left", "right"):
        graph.add_node(name, input="3")
        graph.add_edge(name, "y", op="identity")
    return fabric_from_networkx(graph)


def test_inputs_of_other_names_are_refused_with_the_names_of_the_sources():
    net = compile_fabric(two_sources(), seed=0)
    x = torch.ones(2, 3)
    assert torch.equal(net({"right": x, "left": 2 * x}), 3 * x)
    for inputs, names in [({"left": x}, "left"), ({"left": x, "rihgt": x}, "left, rihgt"), (x, "left")]:
        with pytest.raises(ValueError, match=f"^inputs are for {names}, but the sources are left, right$"):
            net(inputs)


def test_sources_of_different_batch_sizes_are_refused():
    net = compile_fabric(two_sources(), seed=0)
    kept = np.array([[True, True], [True, False], [True, False]])
    for sample in (None, kept):
        with pytest.raises(ValueError, match=r"^the inputs have different batch sizes: left 3, right 2$"):
            net({"left": torch.ones(3, 3), "right": torch.ones(2, 3)}, sample)


# --- compiling


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_as_it_was():
    fabric = fabric_from_networkx(resnet_graph())
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = compile_fabric(fabric, seed=1)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(8)
    again, other = compile_fabric(fabric, seed=1), compile_fabric(fabric, seed=2)
    pairs = list(zip(first.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(mine, same) for mine, same, _ in pairs)
    assert any(not torch.equal(mine, different) for mine, _, different in pairs)
    assert torch.initial_seed() == 8


def test_compiling_with_a_seed_touches_no_generator_of_an_accelerator(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    compile_fabric(fabric_from_networkx(resnet_graph()), seed=1)
    assert seeded == []


def test_without_a_seed_weights_come_from_the_global_generator():
    fabric = fabric_from_networkx(resnet_graph())
    torch.manual_seed(3)
    first, second = compile_fabric(fabric), compile_fabric(fabric)
    torch.manual_seed(3)
    again = compile_fabric(profile_fabric(fabric))
    assert torch.equal(first.operations[0].conv.weight, again.operations[0].conv.weight)
    assert not torch.equal(first.operations[0].conv.weight, second.operations[0].conv.weight)


# --- named weights


@settings(max_examples=20)
@given(fabrics())
def test_the_names_of_weights_are_edge_name_then_tensor_name(fabric):
    net = compile_fabric(fabric, seed=0)
    expected = [
        f"{edge.source}->{edge.target}#{edge.key}/{name}"
        for edge, module in zip(fabric.edges, net.operations, strict=True)
        for name in module.state_dict()
    ]
    named = named_weights(net)
    assert list(named) == expected
    assert all(not tensor.requires_grad for tensor in named.values())
    assert sum(tensor.numel() for tensor in named.values()) == sum(
        tensor.numel() for tensor in net.state_dict().values()
    )


def test_loading_weights_copies_them_and_passes_over_other_names():
    fabric = fabric_from_networkx(resnet_graph())
    net, other = compile_fabric(fabric, seed=0), compile_fabric(fabric, seed=1)
    load_named_weights(other, {**named_weights(net), "elsewhere#0/conv.weight": torch.zeros(1)})
    for name, tensor in named_weights(other).items():
        assert torch.equal(tensor, named_weights(net)[name])
        assert tensor.data_ptr() != named_weights(net)[name].data_ptr()
    assert all(parameter.requires_grad for parameter in other.parameters())


def test_weights_that_are_missing_or_of_another_shape_are_an_input_error_that_names_them():
    net = compile_fabric(fabric_from_networkx(resnet_graph()), seed=0)
    weights = named_weights(net)
    before = {name: tensor.clone() for name, tensor in weights.items()}
    wrong = {name: tensor + 1 for name, tensor in weights.items()}
    del wrong["a1->b0#1/conv.weight"]
    wrong["b0->scores#0/linear.weight"] = torch.zeros(3, 9)
    with pytest.raises(InputError) as caught:
        load_named_weights(net, wrong)
    assert str(caught.value) == (
        "the weights do not fit the network: a1->b0#1/conv.weight, b0->scores#0/linear.weight missing or "
        "of another shape"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in named_weights(net).items())
    with pytest.raises(InputError, match=r"a0->a1#0/\S+ … missing or of another shape$"):
        load_named_weights(
            net, {name: tensor for name, tensor in weights.items() if not name.startswith("a0")}
        )


# --- rows


@st.composite
def row_cases(draw):
    """x (batch, …), rows (k,) ascending, y (k, …), dense or channels_last."""
    batch = draw(st.integers(1, 5))
    shape = draw(st.sampled_from([(3, 4, 5), (1, 4, 5), (3, 1, 1), (3,), (2, 3), ()]))
    rows = torch.tensor(sorted(draw(st.sets(st.integers(0, batch - 1)))), dtype=torch.int64)
    generator = torch.Generator().manual_seed(draw(seeds))
    x = torch.randn(batch, *shape, generator=generator, dtype=torch.float64)
    y = torch.randn(len(rows), *shape, generator=generator, dtype=torch.float64)
    if len(shape) == 3 and draw(st.booleans()):
        x, y = x.to(memory_format=torch.channels_last), y.to(memory_format=torch.channels_last)
    return x, rows, y


@settings(max_examples=100)
@given(row_cases())
def test_taking_spreading_and_adding_rows_equal_the_plain_formulas(case):
    x, rows, y = case
    everything, some = take_rows(x, [None, rows], [1, 1])
    assert everything.x is x
    assert torch.equal(some.x, x[rows])
    spread = torch.full_like(x, -7.0)
    spread[rows] = y
    assert torch.equal(spread_rows(y, rows, len(x), -7.0), spread)
    total = x.clone()
    total[rows] += y
    assert torch.equal(add_rows([(x, None), (y, rows)], len(x)), total)
    total[rows] += y
    total += x
    assert torch.allclose(add_rows([(y, rows), (x, None), (y, rows), (x, None)], len(x)), total, rtol=1e-12)
    zeros = torch.zeros_like(x)
    zeros[rows] = y
    assert torch.equal(add_rows([(y, rows), (-y, rows), (y, rows)], len(x)), zeros)


def test_no_rows_named_means_all_of_them():
    x, y = torch.randn(3, 2), torch.randn(3, 2)
    assert spread_rows(y, None, 3) is y
    assert torch.equal(add_rows([(x, None), (y, None)], 3), x + y)


def test_rows_keep_channels_last_and_dense_layouts():
    rows = torch.tensor([0, 2])
    for layout in (torch.channels_last, torch.contiguous_format):
        x = torch.randn(4, 3, 5, 6).to(memory_format=layout)
        y = torch.randn(2, 3, 5, 6).to(memory_format=layout)
        total = add_rows([(x, None), (y, rows)], 4)
        for result in (
            take_rows(x, [rows], [1])[0].x,
            spread_rows(y, rows, 4),
            total,
            spread_rows(y, rows, 4, -torch.inf),
        ):
            assert result.is_contiguous(memory_format=layout)
    mixed = add_rows(
        [
            (torch.randn(4, 3, 5, 6).to(memory_format=torch.channels_last), None),
            (torch.randn(2, 3, 5, 6), rows),
        ],
        4,
    )
    assert mixed.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_of_rows_are_right(layout):
    rows = torch.tensor([0, 2])
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.randn(3, 2, 2, 3, dtype=torch.float64, generator=generator)
        .to(memory_format=layout)
        .requires_grad_()
    )
    y = (
        torch.randn(2, 2, 2, 3, dtype=torch.float64, generator=generator)
        .to(memory_format=layout)
        .requires_grad_()
    )
    assert torch.autograd.gradcheck(
        lambda x: tuple(taken.x for taken in take_rows(x, [rows, None, rows[:1]], [2, 2, 1])), (x,)
    )
    assert torch.autograd.gradcheck(lambda y: spread_rows(y, rows, 3, 2.0), (y,))
    assert torch.autograd.gradcheck(
        lambda x, y: add_rows([(x, None), (y, rows), (y, rows - 0), (x, None)], 3), (x, y)
    )
    assert torch.autograd.gradcheck(lambda y: spread_rows(y, rows, 3), (y,))


@settings(max_examples=20)
@given(fabrics())
def test_outputs_have_the_shapes_of_the_profile(fabric):
    net = compile_fabric(fabric, seed=0).eval()
    shapes = edge_shapes(fabric)
    with torch.no_grad():
        outputs = run(net, inputs_of(fabric, dtype=torch.float32))
    for name, value in outputs.items():
        assert tuple(value.shape) == (BATCH, *node_shape(fabric, name, shapes))
        assert value.shape[1:] == net.profile.node_shapes[fabric.node_index[name]]


def test_a_sample_may_be_a_tensor_or_one_row_for_all_examples():
    fabric = read_fabric(Path(__file__).parents[1] / "fabrics" / "digits.dot")
    net = compile_fabric(fabric, seed=0).eval()
    inputs = torch.randn(3, 1, 8, 8)
    row = np.random.default_rng(0).random(len(fabric.edges)) < 0.9
    rows = row[None].repeat(3, axis=0)
    with torch.no_grad():
        expected = net(inputs, rows)
        for same in (torch.from_numpy(rows), row, torch.from_numpy(row)):
            assert torch.equal(net(inputs, same), expected)
    assert prune(fabric, row) == prune(fabric, architecture_of(fabric, row))


@settings(max_examples=25)
@given(fabrics(norm="none"), st.data(), seeds)
def test_taking_rows_again_gives_the_gradients_of_keeping_them(fabric, data, seed):
    """Rows are taken again in the backward pass: bit for bit what autograd would have
    kept.
    """
    net = compile_fabric(fabric, seed=seed).train()
    kept = data.draw(random_samples(fabric, batch=6, keep_fixed=False))
    inputs = {
        name: value.requires_grad_()
        for name, value in inputs_of(fabric, batch=6, seed=seed, dtype=torch.float32).items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsngraph.supernet.supernet.run_on", lambda taken, operation: operation(taken.x))
        expected = gradients(net, inputs, run(net, inputs, kept))
    found = gradients(net, inputs, run(net, inputs, kept))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, expected, strict=True))


def test_an_operation_that_works_in_place_on_its_rows_has_right_gradients():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_edge("x", "a", op="conv", channels=2, norm="none")
    graph.add_edge("a", "y", op="nn.ReLU")
    graph.add_edge("a", "y", op="identity")
    net = compile_fabric(fabric_from_networkx(graph), seed=0).double()
    inputs = {
        "x": torch.randn(
            4, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
        ).requires_grad_()
    }
    kept = np.array([[1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 1, 1]], dtype=bool)
    expected = gradients(net, inputs, run(net, inputs, kept))
    net.operations[1] = nn.ReLU(inplace=True)
    found = gradients(net, inputs, run(net, inputs, kept))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found, expected, strict=True))


def test_an_operation_that_changes_a_value_others_take_is_an_error_not_a_wrong_gradient():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x3x3")
    graph.add_edge("x", "a", op="conv", channels=2, norm="none")
    graph.add_edge("a", "y", op="conv", channels=2, kernel=1, norm="none")
    graph.add_edge("a", "y", op="identity")
    net = compile_fabric(fabric_from_networkx(graph), seed=0)
    net.operations[2] = nn.ReLU(inplace=True)
    y = net(torch.randn(3, 2, 3, 3), np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]], dtype=bool))
    with pytest.raises(
        RuntimeError,
        match="an operation has changed its input, which other edges take too: it must not work in place",
    ):
        y.sum().backward()


def test_rows_that_many_edges_take_are_not_kept_for_the_backward_pass():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x8x8")
    for _ in range(6):
        graph.add_edge("x", "y", op="conv", channels=1, kernel=1, norm="none")
    net = compile_fabric(fabric_from_networkx(graph), seed=0)
    kept = ~np.eye(6, dtype=bool)
    alive: list[weakref.ref] = []
    for operation in net.operations:
        operation.register_forward_pre_hook(lambda _, given: alive.append(weakref.ref(given[0])))
    y = net(torch.randn(6, 2, 8, 8), kept)
    assert y.requires_grad
    assert len(alive) == 6
    assert all(reference() is None for reference in alive)
