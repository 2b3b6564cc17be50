"""Peak memory against what is alive while the pruned network runs, and bytes against
what is stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import every_sample, random_samples, small_fabrics
from tiny import DIGITS, fabric_of
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.fabric import Booleans, connected, live_edges, read_fabric
from bsngraph.ops.counting.operation_profile import profile as profile_operation
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet import compile_fabric, named_weights, prune

FABRICS = Path(__file__).parents[1] / "fabrics"
fabrics = small_fabrics(max_edges=12, max_sources=2, max_targets=2, inner_targets=True)


class Alive(TorchDispatchMode):
    """Every storage that any operator reads or makes, but for `ignored`: which are
    alive after each operator.
    """

    def __init__(self, ignored: list[torch.Tensor]) -> None:
        super().__init__()
        self.ignored = {tensor.untyped_storage()._cdata for tensor in ignored}
        self.seen: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def see(self, *tensors: Any) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage._cdata not in self.ignored:
                self.seen[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.seen = {key: entry for key, entry in self.seen.items() if not entry[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self.seen.values()))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.see(*(leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)))
        return result


def measured(profile: FabricProfile, live: Booleans, device: str = "meta") -> int:
    """The most bytes alive while the pruned network runs one example."""
    with torch.device(device), torch.no_grad():
        net = compile_fabric(prune(profile, live)).eval()
        shapes = {name: net.profile.node_shapes[net.fabric.node_index[name]] for name in net.fabric.sources}
        inputs = {name: torch.zeros(1, *shape) for name, shape in shapes.items()}
        given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        with Alive([*net.parameters(), *net.buffers()]) as alive:
            alive.see(*inputs.values())
            net(given)
    return alive.peak


def connected_samples(profile: FabricProfile, kept: Booleans) -> Booleans:
    """The live edges of those samples in which every target is connected."""
    live = live_edges(profile.fabric.sweep, kept)
    return live[connected(profile.fabric, live).all(axis=1)]


@settings(max_examples=25, deadline=None)
@given(fabrics, st.data())
def test_memory_is_what_is_alive_while_the_pruned_network_runs(fabric, data):
    profile = profile_fabric(fabric)
    kept = data.draw(random_samples(fabric, batch=3))
    kept[0] = True
    live = connected_samples(profile, kept)
    assume(len(live))
    found = PeakMemory(profile).of(live)
    assert found.dtype == np.float64
    assert found.tolist() == [measured(profile, row) for row in live]


@pytest.mark.parametrize("name", ["cells", "transformer", "digits", "chain", "cnf-segmentation"])
def test_memory_of_the_known_fabrics_is_what_is_alive_while_their_pruned_networks_run(name):
    profile = profile_fabric(read_fabric(FABRICS / f"{name}.dot"))
    fixed = profile.fabric.fixed
    random = np.random.default_rng(0)
    kept = (random.random((12, len(fixed))) < np.linspace(1, 0.4, 12)[:, None]) | fixed
    live = np.unique(connected_samples(profile, kept), axis=0)[::6]
    assert PeakMemory(profile).of(live).tolist() == [measured(profile, row) for row in live]


@settings(max_examples=10, deadline=None)
@given(small_fabrics(max_edges=10, norm="none"))
def test_memory_is_also_that_of_a_run_on_the_cpu(fabric):
    profile = profile_fabric(fabric)
    everything = np.ones(len(fabric.edges), dtype=np.bool_)
    assert PeakMemory(profile).total == measured(profile, everything, "cpu")


# Fabrics whose peak lies where it matters what their names say.
WHERE_IT_MATTERS = {
    "in which order nodes, and so edges into a node, stand once b->a is gone": """
      edge [op=conv, channels=2, kernel=1, norm=none];
      x -> a [fixed=true]; x -> b [fixed=true]; b -> a;
      a -> c [op=mbconv, expansion=6, channels=8, fixed=true];
      b -> c [channels=8, fixed=true]; c -> y [fixed=true];
    """,
    "that parallel edges use a value once, which lies in another's memory": """
      edge [op=conv, channels=8, kernel=1, norm=none];
      x -> a [fixed=true]; a -> b [op=identity, fixed=true]; b -> c; b -> c [fixed=true];
      c -> d [fixed=true]; c -> d; a -> d; d -> y [channels=1, fixed=true];
    """,
    "that empty slots of a concatenation are made of zeros": """
      m [merge=concat];
      edge [op=conv, channels=2, kernel=1, norm=none];
      x -> m [channels=16]; x -> m [fixed=true]; x -> m [channels=32]; m -> y [channels=1, fixed=true];
    """,
}


@pytest.mark.parametrize("what", WHERE_IT_MATTERS)
def test_memory_of_every_sample_of_a_fabric_whose_peak_shows(what, tmp_path):
    text = f'digraph g {{ graph [source=x, target=y]; x [input="1x8x8"]; {WHERE_IT_MATTERS[what]} }}'
    profile = profile_fabric(fabric_of(text, tmp_path))
    live = np.unique(connected_samples(profile, every_sample(profile.fabric)), axis=0)
    assert len(live) > 1
    assert PeakMemory(profile).of(live).tolist() == [measured(profile, row) for row in live]


def test_memory_of_a_fabric_worked_out_by_hand(tmp_path):
    text = """digraph g {
      graph [source=x, target=y];
      edge [op=conv, channels=4, kernel=3, norm=none];
      x [input="2x8x8"];
      x -> a [fixed=true]; a -> b; a -> b [op=identity]; a -> b [key=again]; b -> y;
    }"""
    profile = profile_fabric(fabric_of(text, tmp_path))
    memory, full, image = PeakMemory(profile), 4 * 4 * 64, 4 * 2 * 64
    assert (memory.name, memory.unit) == ("memory", "bytes")
    # at b: the image, a, two results of convolutions (the identity's is a itself), the
    # sum of two parts and that of three
    assert memory.total == image + 5 * full
    only_skip = np.array([[edge.op == "identity" or edge.target != "b" for edge in profile.fabric.edges]])
    # b lies in a's memory, beside it what y is made of
    assert memory.of(only_skip).tolist() == [image + 2 * full]
    assert memory.of(~only_skip & False).tolist() == [0]
    assert memory.of(only_skip[:0]).shape == (0,)


def test_values_do_not_depend_on_the_other_samples_of_a_batch():
    profile = profile_fabric(read_fabric(FABRICS / "cells.dot"))
    live = connected_samples(
        profile, np.random.default_rng(0).random((1100, len(profile.fabric.edges))) < 0.8
    )
    memory = PeakMemory(profile)
    values = memory.of(np.concatenate([live, live[::-1]]))
    assert np.array_equal(values, np.concatenate([values[: len(live)], values[: len(live)][::-1]]))
    assert values[: len(live) : 50].tolist() == [memory.of(row[None])[0] for row in live[::50]]


@pytest.mark.parametrize(
    ("op", "arguments", "workspace", "result"),
    [
        ("identity", {}, 0, 0),
        ("shortcut", {"channels": 4, "stride": 2}, 0, 0),  # a view of its input
        ("conv", {"channels": 8, "kernel": 3, "norm": "none"}, 2048, 2048),
        ("conv", {"channels": 8, "kernel": 3, "norm": "none", "activation": "relu"}, 4096, 2048),
        ("flatten", {}, 0, 0),
    ],
)
def test_what_is_alive_inside_an_operation(op, arguments, workspace, result):
    found = profile_operation(op, arguments, (4, 8, 8))
    assert (found.workspace, found.result) == (workspace, result)


@pytest.mark.parametrize("name", ["cells", "transformer", "chain"])
def test_bytes_are_those_of_the_weights_as_they_are_stored(name):
    profile = profile_fabric(read_fabric(FABRICS / f"{name}.dot"))
    weights = named_weights(compile_fabric(profile, seed=0))
    for index, edge in enumerate(profile.fabric.edges):
        stored = [tensor for key, tensor in weights.items() if key.startswith(f"{edge.name}/")]
        assert profile.bytes[index] == sum(tensor.numel() * tensor.element_size() for tensor in stored)


def test_bytes_hold_running_statistics(tmp_path):
    profile = profile_fabric(fabric_of(DIGITS, tmp_path))
    first = profile.fabric.edges[0]
    assert (first.op, first.arguments["kernel"]) == ("conv", 1)
    # weights, BatchNorm's scale, shift, mean and variance, its counter of 8 bytes
    assert profile.bytes[0] == 4 * (4 * 1 + 4 * 4) + 8
