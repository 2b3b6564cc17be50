"""Thinned edges: where a 1x1 convolution reads every s-th pixel only, a training step
copies those pixels alone, and gives what it gives with all of them.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bsngraph.fabric import Fabric, fabric_from_networkx
from bsngraph.ops.modules.image_modules import conv
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.supernet.thinned import run_thinned, thinning

BATCH = 7


def strided(size: int) -> Fabric:
    """Edges out of one node that read all pixels, every second one, or every fourth."""
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input=f"2x{size}x{size}")
    graph.add_node("a", activation="relu")
    graph.add_edge("x", "a", op="conv", channels=4)
    for norm in ("batch", "none"):
        graph.add_edge("a", "b", op="conv", channels=3, kernel=1, stride=2, norm=norm)
    graph.add_edge("a", "b", op="conv", channels=3, kernel=3, stride=2)
    graph.add_edge("a", "c", op="conv", channels=3, kernel=1, stride=4)
    graph.add_edge("b", "c", op="conv", channels=3, kernel=1, stride=2)
    graph.add_edge("c", "y", op="classifier", classes=2)
    return fabric_from_networkx(graph)


def found(net: SuperNet, kept: np.ndarray, size: int, layout: torch.memory_format) -> list[Tensor]:
    """Output, gradients and running statistics of a training pass."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(len(kept), 2, size, size, dtype=torch.float64, generator=generator)
    x = x.to(memory_format=layout).requires_grad_()
    y = net(x, kept)
    gradients = torch.autograd.grad(y.square().sum(), [x, *net.parameters()], allow_unused=True)
    return [y, *(part for part in gradients if part is not None), *net.buffers()]


def assert_same_without_thinning(
    fabric: Fabric,
    kept: np.ndarray,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
    layout: torch.memory_format = torch.channels_last,
) -> None:
    net, plain = (compile_fabric(fabric, seed=0).double().to(memory_format=layout) for _ in range(2))
    thinned = found(net, kept, size, layout)
    monkeypatch.setattr("bsngraph.supernet.supernet.thinning", lambda operation: 1)
    for mine, theirs in zip(thinned, found(plain, kept, size, layout), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("p", [1.0, 0.9, 0.5])
def test_thinned_edges_give_the_values_gradients_and_statistics_of_whole_ones(
    size: int, p: float, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric = strided(size)
    kept = np.random.default_rng(3).random((BATCH, len(fabric.edges))) < p
    assert_same_without_thinning(fabric, kept, size, monkeypatch, layout)


def test_a_value_whose_edges_are_all_thinned_has_the_gradient_of_its_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fabric = strided(8)
    names = [edge.name for edge in fabric.edges]
    kept = np.ones((BATCH, len(names)), dtype=bool)
    kept[:, [names.index("a->b#2"), names.index("a->b#1")]] = False
    kept[:3, names.index("a->b#0")] = False
    kept[4:, names.index("a->c#0")] = False
    assert_same_without_thinning(fabric, kept, 8, monkeypatch)


@pytest.mark.parametrize("missing", [0, 1])
def test_what_a_thinned_edge_has_in_the_backward_pass_are_the_pixels_it_reads(missing: int) -> None:
    fabric = strided(8)
    net = compile_fabric(fabric, seed=0).to(memory_format=torch.channels_last)
    kept = np.ones((BATCH, len(fabric.edges)), dtype=bool)
    (edge,) = (edge for edge, operation in enumerate(net.operations) if thinning(operation) == 4)
    kept[:missing, edge] = False
    seen: list[tuple[int, ...]] = []
    net.operations[edge][1].register_forward_pre_hook(
        lambda _, given: seen.append(tuple(given[0].grad_fn._saved_input.shape))
    )
    net(torch.randn(BATCH, 2, 8, 8).to(memory_format=torch.channels_last), kept)
    assert seen == [(BATCH - missing, 4, 2, 2)]


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        (conv(3, 4, kernel=1, stride=3), 3),
        (conv(4, 4, kernel=1, stride=2, groups=2, norm="none", activation="relu"), 2),
        (conv(3, 4, kernel=1), 1),
        (conv(3, 4, kernel=3, stride=2), 1),
        (nn.Sequential(nn.Conv2d(3, 4, 1, (2, 1))), 1),
        (nn.Sequential(nn.Conv2d(3, 4, 1, 2, padding=1)), 1),
        (nn.Sequential(nn.Conv1d(3, 4, 1, 2)), 1),
        (nn.Sequential(), 1),
        (nn.Identity(), 1),
    ],
)
def test_operations_that_read_every_so_many_pixels_are_known(operation: nn.Module, step: int) -> None:
    assert thinning(operation) == step
    if step > 1:
        x = torch.randn(2, operation[0].in_channels, 7, 7)
        torch.testing.assert_close(run_thinned(operation, x[:, :, ::step, ::step]), operation(x))
