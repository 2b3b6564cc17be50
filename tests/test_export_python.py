"""Exports as Python source: model.py gives what the SuperNet gives, reads as people
write, and holds nothing of a file's names but text.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import msgspec
import networkx as nx
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from packed import TASK_FABRICS, packed
from random_fabrics import random_samples, small_fabrics
from safetensors.torch import load_file, save_file
from test_one_entry import NEW_MERGES
from test_torch_nn import CALLS, call
from tiny import DIGITS, fabric_of, no_pictures, written
from torch import Tensor, nn

from bsngraph.cli.main import cli
from bsngraph.delivered import Delivered, ModelFacts
from bsngraph.delivered.model_facts import read_facts
from bsngraph.errors import InputError
from bsngraph.exporting import ExportOptions, export
from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.exporting.python.model_card import code_span
from bsngraph.exporting.python.running import load_python
from bsngraph.exporting.python.source.model_source import ModelSource, model_source
from bsngraph.exporting.python.user_operations import copied_operations, standing_alone
from bsngraph.exporting.python.writing import write_python
from bsngraph.exporting.raw_network import RawNetwork, raw_inputs, reference_network
from bsngraph.fabric import Fabric, architecture_of, connected, fabric_from_networkx, live_edges, read_fabric
from bsngraph.ops import OPERATIONS, load_operations, operation
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES, Merge
from bsngraph.ops.table import registering_from
from bsngraph.runs.rows.result import SplitScores
from bsngraph.supernet import SuperNet, compile_fabric, prune_net
from bsngraph.tasks import TASKS
from bsngraph.wording import quantity

FABRICS = Path(__file__).parents[1] / "fabrics"
RUFF = Path(sys.executable).with_name("ruff")
TOLERANCE = 1e-5


# --- delivered networks without a run


def delivered_of(net: SuperNet, task: str = "classification") -> Delivered:
    """A net in evaluation mode with facts that fit it."""
    shape = net.profile.node_shapes[net.fabric.source_indices[0]]
    channels = shape[-1] if len(shape) == 2 else shape[0]
    outputs = net.profile.node_shapes[net.fabric.target_indices[0]][0]
    facts = ModelFacts(
        task,
        tuple(f"c{number}" for number in range(outputs)),
        mean=tuple(float(number % 5) for number in range(channels)),
        std=tuple(2.0 + number % 3 for number in range(channels)),
        white=16.0 if len(shape) == 3 else None,
    )
    if task == "regression":
        facts = replace(facts, label_mean=(1.5,) * outputs, label_std=(2.5,) * outputs)
    return Delivered(net.eval(), facts)


def net_of(fabric: Fabric, kept: Any = None, seed: int = 0) -> SuperNet:
    """A sub-network, its norms with statistics that matter."""
    net = compile_fabric(fabric, seed=seed)
    kept = np.ones(len(fabric.edges), dtype=np.bool_) if kept is None else kept
    net = prune_net(net, architecture_of(fabric, kept))
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
        if "Norm" in type(module).__name__:
            for tensor in module.parameters():
                tensor.data.uniform_(0.5, 1.5, generator=generator)
    return net


def connects(fabric: Fabric, kept: np.ndarray) -> bool:
    """Whether the edges kept (edges,) reach every target."""
    return bool(connected(fabric, live_edges(fabric.sweep, kept[None])).all())


def some_of(fabric: Fabric, seed: int = 0) -> np.ndarray:
    """Edges kept at random that connect the targets."""
    random = np.random.default_rng(seed)
    while True:
        kept = (random.random(len(fabric.edges)) < 0.7) | fabric.fixed
        if connects(fabric, kept):
            return kept


def graph_of(*operations: dict[str, Any], shape: str = "4x6x6", **node: Any) -> nx.MultiDiGraph:
    """A graph of one step, with these operations on it."""
    graph = nx.MultiDiGraph(source="x", target="y", name="step")
    graph.add_node("x", input=shape)
    graph.add_node("y", **node)
    for attributes in operations:
        graph.add_edge("x", "y", **attributes)
    return graph


@dataclass(frozen=True)
class Written:
    """A source, the network that it should be, and the files beside it."""

    source: ModelSource
    network: RawNetwork
    beside: Mapping[str, str]

    @property
    def model(self) -> nn.Module:
        """The source's network with its weights."""
        with pytest.MonkeyPatch.context() as patch:
            for name, text in self.beside.items():
                patch.setitem(sys.modules, name, module_of(name, text))
            module = module_of("model", self.source.text)
            model: nn.Module = getattr(module, self.source.class_name)()
        model.load_state_dict(dict(self.source.weights))
        return model.eval()


def module_of(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def written_source(
    delivered: Delivered,
    name: str = "net",
    dtype: torch.dtype = torch.float32,
    *,
    logits: bool = True,
    include_ops: bool = False,
) -> Written:
    network = reference_network(delivered, raw_inputs(delivered, dtype), logits=logits)
    copied = copied_operations(delivered.net.fabric, include=include_ops)
    return Written(model_source(name, delivered, network, copied), network, copied.texts)


def raw_batch(network: RawNetwork, batch: int) -> Any:
    """Raw examples as the network takes them."""
    generator = torch.Generator().manual_seed(batch)
    values: dict[str, Tensor] = {
        each.name: torch.randint(0, 17, (batch, *each.shape), generator=generator).to(
            getattr(torch, each.dtype)
        )
        for each in network.inputs
    }
    return values if len(values) > 1 else next(iter(values.values()))


def assert_same(written_one: Written) -> None:
    """The source's network gives what the SuperNet gives, at three batch sizes."""
    model = written_one.model
    for batch in (1, 2, 7):
        values = raw_batch(written_one.network, batch)
        with torch.no_grad():
            found, expected = model(values), written_one.network(values)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
            largest = float(value.double().abs().max())
            assert float((found[name].double() - value.double()).abs().max()) <= TOLERANCE * largest, name


def assert_reads_well(text: str, folder: Path) -> None:
    """ruff would change nothing, and has nothing to say."""
    (folder / "model.py").write_text(text, encoding="utf-8")
    assert_all_read_well(folder)


def assert_all_read_well(folder: Path) -> None:
    for words in (["format", "--diff"], ["check", "--select", "E,F,I,N,UP"]):
        found = subprocess.run(
            [RUFF, *words, "--isolated", "--no-cache", "-q", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr


# --- parity


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("digits", "classification"),
        ("cells", "classification"),
        ("chain", "classification"),
        ("cnf-1x14x14", "classification"),
        ("scenes", "segmentation"),
        ("resnet-1x14x14", "classification"),
        ("resnet20", "classification"),
        ("transformer", "classification"),
        ("vectors", "regression"),
    ],
)
def test_every_fabric_is_the_same_as_source_and_reads_well(file: str, task: str, tmp_path: Path) -> None:
    fabric = read_fabric(FABRICS / f"{file}.dot")
    found = written_source(delivered_of(net_of(fabric, some_of(fabric)), task), file)
    assert_same(found)
    assert_reads_well(found.source.text, tmp_path)


CONV = {"channels": 6}
OURS: dict[str, list[dict[str, Any]]] = {
    "conv": [CONV, {**CONV, "kernel": 5, "dilation": 2}, {**CONV, "groups": 2, "activation": "relu"}],
    "conv norms": [{**CONV, "norm": norm} for norm in ("batch", "group", "layer", "instance", "none")],
    "conv activations": [
        {**CONV, "activation": word} for word in ("gelu", "silu", "hardswish", "tanh", "sigmoid")
    ],
    "conv several": [{**CONV, "norm": "layer", "kernel": kernel} for kernel in (1, 3, 5)],
    "projection": [{**CONV, "stride": 2}],
    "depthwise_conv": [{"kernel": 5, "norm": "group"}, {"activation": "relu"}],
    "separable_conv": [CONV, {**CONV, "kernel": 5}, {**CONV, "activation": "silu", "norm": "instance"}],
    "basic_block": [{"channels": 4}, {"channels": 4, "residual": False}, {"channels": 4, "norm": "group"}],
    "basic_block down": [{"channels": 8, "stride": 2}, {"channels": 8, "stride": 2, "norm": "none"}],
    "bottleneck_block": [
        {"channels": 8},
        {"channels": 8, "reduction": 2},
        {"channels": 8, "residual": False},
    ],
    "mbconv": [
        {"channels": 4},
        {"channels": 4, "squeeze_excite": True, "kernel": 5},
        {"channels": 4, "expansion": 1, "residual": False},
    ],
    "mbconv down": [{"channels": 8, "stride": 2, "squeeze_excite": True, "norm": "instance"}],
    "identity": [{}, {}],
    "shortcut": [{"channels": 9, "stride": 2}],
    "max_pool": [{"channels": 6}, {"window": 3, "stride": 2, "channels": 6}],
    "avg_pool": [{}, {"window": 3}],
    "upsample": [{"factor": 3}, {"height": 18, "width": 18, "mode": "bilinear"}],
    "upsample flat": [{"height": 9, "width": 7}],
    "upsample_conv": [CONV, {**CONV, "norm": "layer"}, {**CONV, "mode": "bilinear"}],
    "transposed_conv": [CONV, {**CONV, "norm": "none", "activation": "relu"}, {**CONV, "norm": "group"}],
    "flatten": [{}],
    "global_pool": [{}, {"kind": "max"}],
    "linear": [{"features": 5}, {"features": 5, "activation": "gelu"}],
    "classifier": [{"classes": 3}],
    "segmentation_head": [{"classes": 3}],
    "segmentation_head large": [{"classes": 3, "height": 12, "width": 12}],
    "dropout": [{}, {"rate": 0.1}],
    "patches": [{"features": 8, "size": 2}, {"features": 8, "size": 2, "positions": False}],
    "patches padded": [{"features": 8, "size": 4}],
}
SEQUENCES: dict[str, list[dict[str, Any]]] = {
    "positions": [{}],
    "layer_norm": [{}],
    "attention": [{}, {"heads": 2, "residual": True}, {"norm": "none", "dropout": 0.1}, {"heads": 8}],
    "mlp": [{}, {"expansion": 2}, {"activation": "none", "norm": "none"}, {"residual": True}],
    "token_linear": [{"features": 8}, {"features": 8, "activation": "relu"}],
    "global_pool": [{}, {"kind": "max"}],
    "classifier": [{"classes": 3}],
    "linear": [{"features": 5}],
    "flatten": [{}],
}
CASES = [
    *((op, variants, "4x6x6") for op, variants in OURS.items()),
    *((op, variants, "5x8") for op, variants in SEQUENCES.items()),
    *((op, [{}, {"expansion": 2}], "8") for op in ("mlp",)),
    *((op, [{}], "8") for op in ("layer_norm", "flatten", "identity")),
    ("linear", [{"features": 8}, {"features": 8, "activation": "tanh"}], "8"),
    ("classifier", [{"classes": 3}], "8"),
]


@pytest.mark.parametrize(
    ("op", "variants", "shape"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_operation_is_the_same_as_source(
    op: str, variants: list[dict[str, Any]], shape: str, tmp_path: Path
) -> None:
    edges = [{"op": op.split()[0], **variant} for variant in variants]
    found = written_source(delivered_of(net_of(fabric_from_networkx(graph_of(*edges, shape=shape)))))
    assert_same(found)
    assert_reads_well(found.source.text, tmp_path)


def test_every_operation_of_ours_is_among_them() -> None:
    ours = {name for name, entry in OPERATIONS.items() if not entry.origin and not name.startswith("nn.")}
    assert {op.split()[0] for op, _, _ in CASES} == ours


def test_every_class_of_torch_is_the_same_as_source(tmp_path: Path) -> None:
    for name, rank in CALLS:
        op, arguments, shape = call(name, rank)
        graph = graph_of({"op": op, **arguments}, shape="x".join(map(str, shape)))
        found = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
        assert_same(found)
        (tmp_path / f"{name}_{rank}.py").write_text(found.source.text, encoding="utf-8")
    assert_all_read_well(tmp_path)


@pytest.mark.parametrize("op", ["conv", "nn.GroupNorm", "nn.BatchNorm2d"])
def test_a_norm_of_one_pixel_is_the_same_for_one_example(op: str) -> None:
    more = {
        "conv": {"channels": 3, "norm": "instance"},
        "nn.GroupNorm": {"num_groups": 3},
    }.get(op, {})
    assert_same(
        written_source(
            delivered_of(net_of(fabric_from_networkx(graph_of({"op": op, **more}, shape="3x1x1"))))
        )
    )


@settings(max_examples=20)
@given(st.data(), st.integers(0, 2**16))
def test_random_fabrics_are_the_same_as_source(data: st.DataObject, seed: int) -> None:
    fabric = data.draw(small_fabrics(max_sources=2, max_targets=2, inner_targets=True, max_edges=12))
    kept = data.draw(random_samples(fabric, batch=1))[0]
    if not connects(fabric, kept):
        kept[:] = True
    assert_same(written_source(delivered_of(net_of(fabric, kept, seed))))


@pytest.mark.parametrize("merge", list(MERGES))
@pytest.mark.parametrize("count", [1, 2, 5])
def test_merges_and_activations_are_the_same_as_source(merge: str, count: int, tmp_path: Path) -> None:
    edges = [{"op": "conv", "channels": 3, "norm": "none"}] * count
    for activation in ACTIVATIONS if count == 2 else ("none", "relu"):
        graph = graph_of(*edges, merge=merge, activation=activation)
        found = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
        assert_same(found)
        assert " / 1" not in found.source.text
        (tmp_path / f"{activation}.py").write_text(found.source.text, encoding="utf-8")
    assert_all_read_well(tmp_path)


def test_a_merge_that_is_added_to_the_table_needs_no_second_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, merge in NEW_MERGES.items():
        assert isinstance(merge, Merge)
        monkeypatch.setitem(MERGES, name, merge)
        for count in (1, 3):
            edges = [{"op": "conv", "channels": 3}] * count
            assert_same(
                written_source(delivered_of(net_of(fabric_from_networkx(graph_of(*edges, merge=name)))))
            )


def test_slots_of_a_concat_that_are_empty_are_zeros(tmp_path: Path) -> None:
    graph = graph_of(*[{"op": "conv", "channels": 3, "key": f"k{n}"} for n in range(5)], merge="concat")
    fabric = fabric_from_networkx(graph)
    for kept in ([0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1]):
        found = written_source(delivered_of(net_of(fabric, np.array(kept, dtype=bool))))
        assert_same(found)
        assert_reads_well(found.source.text, tmp_path)


# --- answers


@pytest.mark.parametrize("task", ["classification", "segmentation", "regression", "multi-label"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.float64, torch.int64])
def test_every_task_answers_as_the_raw_network_does(task: str, dtype: torch.dtype, tmp_path: Path) -> None:
    head = {"op": "segmentation_head"} if task == "segmentation" else {"op": "classifier"}
    net = net_of(fabric_from_networkx(graph_of({**head, "classes": 3})))
    found = written_source(delivered_of(net, task), dtype=dtype, logits=False)
    assert_same(found)
    assert_reads_well(found.source.text, tmp_path)


def test_several_sources_and_targets_keep_their_names(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(source="left,right", target="scores,also", name="two views")
    for name in ("left", "right"):
        graph.add_node(name, input="2x6x6")
        graph.add_edge(name, "both", op="conv", channels=4)
    graph.add_edge("both", "scores", op="classifier", classes=3)
    graph.add_edge("both", "also", op="classifier", classes=3)
    found = written_source(delivered_of(net_of(fabric_from_networkx(graph))), "two views", logits=False)
    assert_same(found)
    assert_reads_well(found.source.text, tmp_path)
    assert 'left = (inputs["left"].float() - self.mean) / self.std' in found.source.text
    assert list(found.model(raw_batch(found.network, 2))) == [
        "scores.probabilities",
        "scores.class",
        "also.probabilities",
        "also.class",
    ]


# --- how it reads


def test_the_source_is_what_a_person_would_write(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(source="image", target="scores", name="small", node={"activation": "relu"})
    graph.add_node("image", input="1x8x8", activation="none")
    graph.add_node("scores", activation="none")
    graph.add_edge("image", "s0", op="conv", channels=4)
    graph.add_edge("s0", "s1", op="conv", channels=4, key="look")
    graph.add_edge("s0", "s1", op="identity", key="skip")
    graph.add_edge("s1", "s2", op="basic_block", channels=8, stride=2)
    graph.add_edge("s2", "s3", op="basic_block", channels=16, stride=2)
    graph.add_edge("s3", "scores", op="classifier", classes=2)
    text = written_source(delivered_of(net_of(fabric_from_networkx(graph))), logits=False).source.text
    assert text.partition("class BasicBlock")[2] == SMALL


SMALL = '''\
(nn.Module):
    """Two 3x3 convolutions.

    What comes in is added to the result.
    """

    def __init__(self, incoming: int, channels: int, extra: int) -> None:
        super().__init__()
        self.extra = extra
        self.first = nn.Conv2d(incoming, channels, 3, stride=2, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first(x))
        shortcut = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.extra))
        return shortcut + self.second(y)


class Net(nn.Module):
    """net: classification.

    Takes raw images `image` (batch, 1, 8, 8), values 0 to 16.
    Gives a mapping:
    - `probabilities` (batch, 2)
    - `class` (batch,)
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 1, 1, 1))
        self.register_buffer("std", torch.ones(1, 1, 1, 1))
        self.image_to_s0 = nn.Conv2d(1, 4, 3, padding=1)
        self.s0_to_s1_look = nn.Conv2d(4, 4, 3, padding=1)
        self.s1_to_s2 = BasicBlock(4, 8, extra=4)
        self.s2_to_s3 = BasicBlock(8, 16, extra=8)
        self.s3_to_scores = nn.Linear(16, 2)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        image = (image.float() - self.mean) / self.std  # (batch, 1, 8, 8)
        s0 = functional.relu(self.image_to_s0(image))  # (batch, 4, 8, 8)
        s1 = functional.relu(self.s0_to_s1_look(s0) + s0)  # (batch, 4, 8, 8)
        s2 = functional.relu(self.s1_to_s2(s1))  # (batch, 8, 4, 4)
        s3 = functional.relu(self.s2_to_s3(s2))  # (batch, 16, 2, 2)
        scores = self.s3_to_scores(s3.mean(dim=(2, 3)))  # (batch, 2)
        return {
            "probabilities": scores.softmax(dim=1),
            "class": scores.argmax(dim=1),
        }


def load(path: str | Path = WEIGHTS) -> Net:
    """The network with the weights of a file, ready for use on the CPU."""
    model = Net()
    model.load_state_dict(load_file(path))
    return model.eval()
'''


STEPS: list[dict[str, Any]] = [
    {"op": "conv", "channels": 4},
    {"op": "conv", "channels": 4, "norm": "group", "kernel": 5},
    {"op": "conv", "channels": 4, "activation": "hardswish"},
    {"op": "identity"},
    {"op": "avg_pool", "window": 3, "stride": 1},
    {"op": "max_pool", "window": 5, "stride": 1},
    {"op": "upsample_conv", "channels": 4, "factor": 1, "mode": "bilinear"},
    {"op": "upsample", "factor": 1, "mode": "bilinear"},
    {"op": "mbconv", "channels": 4, "squeeze_excite": True},
    {"op": "nn.GELU", "approximate": "tanh"},
]


def graph_of_long_lines(random: Random) -> nx.MultiDiGraph:
    """A graph whose statements are about as long as a line, and longer."""
    words = ["n", "stage", "block of features ", "a very long name of a node "]
    inner = [f"{random.choice(words)}{number}" for number in range(5)]
    nodes = ["image", *inner, "scores"]
    graph = nx.MultiDiGraph(source="image", target="scores", name="long lines")
    for name in nodes:
        graph.add_node(name, merge=random.choice([*MERGES]), activation=random.choice([*ACTIVATIONS]))
    graph.nodes["image"].update(input="4x6x6", merge="sum", activation="none")
    for place, name in enumerate(nodes[1:]):
        for number in range(random.randint(1, 4)):
            source = nodes[place if number == 0 else random.randint(max(0, place - 2), place)]
            wide = graph.nodes[source]["merge"] == "concat"
            graph.add_edge(
                source,
                name,
                key=f"{random.choice(['k', 'conv', 'a long key '])}{number}",
                **(STEPS[0] if wide else random.choice(STEPS)),
            )
    return graph


def test_lines_that_are_too_long_are_broken_as_ruff_does(tmp_path: Path) -> None:
    for seed in range(8):
        net = net_of(fabric_from_networkx(graph_of_long_lines(Random(seed))))
        text = written_source(delivered_of(net, "segmentation")).source.text
        (tmp_path / f"model_{seed}.py").write_text(text, encoding="utf-8")
    assert_all_read_well(tmp_path)


def test_a_sum_that_fills_a_line_by_itself_is_broken(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(source="a very long name of a source", target="a very long name of a target")
    (source,), (target,) = [graph.graph["source"]], [graph.graph["target"]]
    graph.add_node(source, input="5x8")
    graph.add_edge(source, target, op="positions", key="x")
    graph.add_edge(source, target, op="attention", key="y")
    for kept in ([1, 0], [1, 1]):
        found = written_source(delivered_of(net_of(fabric_from_networkx(graph), np.array(kept, dtype=bool))))
        assert_same(found)
        assert_reads_well(found.source.text, tmp_path)


# --- names


HOSTILE = [
    '"""',
    "'",
    "\\N{DASH}\\",
    'x"); import os; os.abort() #',
    '")\nimport os\nos.abort()\n("',
    "{0.__class__}%s",
    "class",
    "print",
    "torch",
    "self",
    "forward",
    "__init__",
    "training",
    "mean",
    "1st",
    "l",
    "größe",
    "\u202e\u2066",
    "e\u0301 é",
    "ｆｕｌｌ",
    "𝐛𝐨𝐥𝐝",
    "名前",
    "# fmt: off",
    "functional.x",
    "CLASSES",
    "Tensor",
    "a" * 200,
    "a" * 199 + "b",
    "\n",
    " ",
]
names = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))


PLAIN = ("left", "right", "inner", "scores", "also")


def step_of_names(nodes: Sequence[str], key: str, title: str) -> Fabric:
    """Two sources, an inner node with parallel edges, two targets, of any names."""
    graph = nx.MultiDiGraph(source="left,right", target="scores,also", name="plain")
    for name in PLAIN[:2]:
        graph.add_node(name, input="2x6x6")
        graph.add_edge(name, "inner", op="conv", channels=2, key="a")
        graph.add_edge(name, "inner", op="basic_block", channels=2, key="b")
    for name in PLAIN[3:]:
        graph.add_edge("inner", name, op="classifier", classes=2, key="a")
    plain = fabric_from_networkx(graph)
    called = dict(zip(PLAIN, nodes, strict=True))
    return Fabric(
        title,
        tuple(replace(node, name=called[node.name]) for node in plain.nodes),
        tuple(
            replace(
                edge,
                source=called[edge.source],
                target=called[edge.target],
                key=key if edge.key == "a" else key + key,
                fixed=True,
            )
            for edge in plain.edges
        ),
        tuple(called[name] for name in plain.sources),
        tuple(called[name] for name in plain.targets),
    )


def doings(source: ModelSource) -> list[str]:
    """What a source does: its imports, calls and statements, whatever its names are."""
    found = []
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(ast.dump(node))
        elif isinstance(node, ast.Call):
            found.append(_called(node.func, source.class_name))
        elif isinstance(node, ast.stmt) and not isinstance(node, ast.Assign):
            found.append(type(node).__name__)
    return sorted(found)


def _called(function: ast.expr, class_name: str) -> str:
    text = ast.unparse(function)
    if isinstance(function, ast.Name):
        return "the class" if text == class_name else text
    assert isinstance(function, ast.Attribute), text
    if text.startswith("self."):
        return "self"
    return text if text.startswith(("torch.", "nn.", "functional.")) else function.attr


@pytest.fixture(scope="module")
def plain_doings() -> list[str]:
    net = net_of(step_of_names(PLAIN, "a", "net"))
    return doings(written_source(delivered_of(net), "net", logits=False).source)


@settings(max_examples=12)
@given(st.lists(names, min_size=5, max_size=5, unique=True), names, names, names)
def test_names_of_files_are_text_and_never_code(
    plain_doings: list[str], nodes: list[str], key: str, title: str, said: str
) -> None:
    net = net_of(step_of_names(nodes, key, title))
    facts = replace(delivered_of(net).facts, classes=(f"0{said}", f"1{said}"))
    found = written_source(Delivered(net.eval(), facts), title, logits=False)
    assert_same(found)
    assert doings(found.source) == plain_doings
    assert facts.classes == module_of("model", found.source.text).CLASSES


def test_sources_of_hostile_names_read_well(tmp_path: Path) -> None:
    for number in range(0, len(HOSTILE) - 4, 4):
        key = HOSTILE[-number - 1]
        net = net_of(step_of_names(HOSTILE[number : number + 5], key, key))
        facts = replace(delivered_of(net).facts, classes=(key, f"1{key}"))
        source = written_source(Delivered(net.eval(), facts), key, logits=False).source
        (tmp_path / f"model_{number}.py").write_text(source.text, encoding="utf-8")
    assert_all_read_well(tmp_path)


@pytest.mark.parametrize("title", ["CLASSES", "WEIGHTS", "Tensor", "Path", "exception"])
def test_a_fabric_s_name_hides_nothing_that_the_source_uses(title: str) -> None:
    net = net_of(fabric_from_networkx(graph_of({"op": "classifier", "classes": 2})))
    found = written_source(delivered_of(net), title, logits=False)
    assert_same(found)
    module = module_of("model", found.source.text)
    assert module.CLASSES == ("c0", "c1")
    assert str(module.WEIGHTS) == "model.safetensors"


def test_an_edge_is_never_called_as_a_method_of_the_class() -> None:
    graph = nx.MultiDiGraph(source="push", target="y")
    graph.add_node("push", input="2x6x6")
    graph.add_edge("push", "hub", op="conv", channels=2)
    graph.add_edge("hub", "y", op="conv", channels=2)
    found = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
    assert "self.push_to_hub_2 = nn.Conv2d" in found.source.text
    assert_same(found)


# --- operations of the user's

OPERATIONS_FILE = '''\
"""Operations of mine."""

import bsngraph
import torch
from torch import nn

FACTOR = 2.0


@bsngraph.operation("test.scaled")
def scaled(shape, *, factor: float = FACTOR):
    "Multiply."
    return lambda x: factor * x


@bsngraph.operation("test.gated")
class Gated(nn.Module):
    "A convolution, its norm, and a lazy gate."

    def __init__(self, shape, *, channels: int = 4, word: str = "a"):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(shape[0], channels, 3, padding=1), nn.BatchNorm2d(channels))
        self.gate = nn.LazyConv2d(channels, 1)

    def forward(self, x):
        return self.conv(x) * torch.sigmoid(self.gate(x))
'''


@pytest.fixture
def own_operations(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "mine.py"
    path.write_text(OPERATIONS_FILE, encoding="utf-8")
    before = dict(OPERATIONS)
    load_operations(str(path))
    yield path
    OPERATIONS.clear()
    OPERATIONS.update(before)


def own_fabric() -> Fabric:
    return fabric_from_networkx(
        graph_of({"op": "test.scaled", "factor": 3.0}, {"op": "test.gated", "word": 'a"b'})
    )


def test_code_of_the_user_s_is_copied_only_where_that_is_said(own_operations: Path) -> None:
    delivered = delivered_of(net_of(own_fabric()))
    with pytest.raises(InputError) as error:
        written_source(delivered)
    assert str(error.value) == (
        f"edge x->y#0: op=test.scaled is code of yours ({own_operations}), which is copied only if you say "
        "so: add --include-ops, or export to a format that holds no code"
    )
    found = written_source(delivered, include_ops=True)
    assert_same(found)
    assert found.beside == {
        "operations": OPERATIONS_FILE.replace("import bsngraph\n", "")
        .replace('@bsngraph.operation("test.scaled")\n', "")
        .replace('@bsngraph.operation("test.gated")\n', "")
    }
    assert "self.x_to_y_0 = operations.scaled((4, 6, 6), factor=3.0)" in found.source.text
    assert r'self.x_to_y_1 = operations.Gated((4, 6, 6), word="a\x22b")' in found.source.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bsngraph.read_fabric('x')\n", "uses bsngraph for more than @bsngraph.operation, but an export"),
        ("from bsngraph.fabric import Fabric\nFabric\n", "uses bsngraph for more than @bsngraph.operation"),
        ("def f():\n    import bsngraph.ops\n", "uses bsngraph for more than @bsngraph.operation"),
        ("def f():\n    from . import other\n", "imports a file beside it, which is not copied"),
    ],
)
def test_a_file_of_operations_that_cannot_stand_alone_is_refused(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OPERATIONS_FILE + text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        standing_alone(str(path))
    assert str(error.value).startswith(f"{path}: {said}")


def test_what_is_imported_beside_bsngraph_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import bsngraph as b, math\nfrom bsngraph import (\n    operation as op,\n)  # ours\n"
        "from bsngraph.ops import operation; import torch\n\n\n@op('a')\n@b.operation(\n    'ß',\n)  # one\n"
        "def one(shape):\n    return torch.relu\n",
        encoding="utf-8",
    )
    assert standing_alone(str(path)) == (
        "import math\npass; import torch\n\n\ndef one(shape):\n    return torch.relu\n"
    )


def test_an_operation_that_is_in_no_file_is_named() -> None:
    with registering_from("a notebook"):
        operation("test.local")(lambda shape: torch.relu)
    try:
        fabric = fabric_from_networkx(graph_of({"op": "test.local"}))
        with pytest.raises(InputError, match=r"^edge x->y#0: op=test\.local cannot be copied, because"):
            copied_operations(fabric, include=True)
    finally:
        del OPERATIONS["test.local"]


class Odd(nn.Module):
    """A module that no writer knows."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flip(1)


def test_an_operation_that_cannot_be_written_is_named() -> None:
    before = dict(OPERATIONS)
    with registering_from(""):
        operation("odd")(lambda shape: nn.Sequential(nn.ReLU(), Odd()))
    try:
        net = net_of(fabric_from_networkx(graph_of({"op": "odd"})))
        with pytest.raises(InputError) as error:
            written_source(delivered_of(net))
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(before)
    assert str(error.value) == (
        "edge x->y#0: the formats python and hf cannot write op=odd (Odd): export to another format"
    )


# --- folders


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ExportPackage:
    """A run of a fabric that has no name, in a folder that says what it is."""
    return pack(run_without_name(tmp_path_factory.mktemp("runs")))


def run_without_name(folder: Path) -> Path:
    fabric = written(DIGITS.replace("digraph tiny_digits", "digraph"), folder)
    fast = ("--data", "digits", "--epochs", 1, "--batch-size", 256, "--threads", 1, "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        words = ["train", fabric, *fast, "--out", folder / "my digits"]
        result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return folder / "my digits"


def packed_with_scores(fabric: Fabric, task: str, template: ExportPackage, **more: Any) -> ExportPackage:
    """A network of a run whose task it is."""
    package, scores = packed(fabric, task, template, **more), {TASKS[task].headline.name: 0.5}
    metrics = SplitScores(validation=scores, test=scores)
    return replace(package, result=msgspec.structs.replace(package.result, metrics=metrics))


def in_folder(package: ExportPackage, folder: Path, **options: Any) -> Path:
    folder.mkdir()
    write_python(package, folder, ExportOptions(**options))
    return folder


def assert_engine(engine: TorchEngine, package: ExportPackage) -> None:
    """An engine gives what the run's network gives."""
    values = raw_batch(package.network, 3)
    given = (
        {name: each.numpy() for name, each in values.items()} if isinstance(values, dict) else values.numpy()
    )
    with torch.no_grad():
        expected = package.reference(values)
    found = engine.run(given)
    for name, value in expected.items():
        largest = float(value.double().abs().max())
        assert np.abs(found[name].astype(float) - value.double().numpy()).max() <= TOLERANCE * largest, name


@pytest.mark.parametrize("name", TASK_FABRICS)
@pytest.mark.parametrize("logits", [False, True])
def test_a_folder_reads_well_and_its_example_runs(
    name: str, logits: bool, template: ExportPackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, task = TASK_FABRICS[name]
    package = packed_with_scores(fabric_of(text, tmp_path), task, template, logits=logits)
    folder = in_folder(package, tmp_path / "out")
    assert_all_read_well(folder)
    with pytest.MonkeyPatch.context() as patch:
        module = module_of("model", (folder / "model.py").read_text(encoding="utf-8"))
        module.load.__defaults__ = (folder / "model.safetensors",)
        patch.setitem(sys.modules, "model", module)
        module_of("example", (folder / "example.py").read_text(encoding="utf-8"))
    assert len(capsys.readouterr().out.splitlines()) == 1 if logits else 4
    for trusted in (True, False):
        assert_engine(load_python(folder, package, trusted), package)


def test_weights_say_what_the_network_is_for(template: ExportPackage, tmp_path: Path) -> None:
    folder = in_folder(template, tmp_path / "out")
    assert read_facts(folder / "model.safetensors") == template.facts
    module = module_of("model", (folder / "model.py").read_text(encoding="utf-8"))
    model = module.MyDigits()
    tensors = load_file(folder / "model.safetensors")
    assert tensors.keys() == model.state_dict().keys()
    assert module.load(folder / "model.safetensors").training is False


def test_a_model_card_says_task_data_metric_and_costs(template: ExportPackage, tmp_path: Path) -> None:
    text = (in_folder(template, tmp_path / "out") / "README.md").read_text(encoding="utf-8")
    accuracy = template.result.metrics.test["accuracy"]
    assert isinstance(accuracy, float)
    for said in (
        "# `my digits`\n",
        "A network for classification,",
        "Data: `digits`.",
        f"| accuracy, test | {100 * accuracy:.2f} % |",
        f"| `macs (MACs)` | {quantity(template.result.costs['macs'].value)} |",
        "Input `image`: images: (batch, channels, height, width), 1x8x8, uint8, values 0 to",
        "Fill in the license",
    ):
        assert said in text


def test_names_mean_nothing_in_a_model_card() -> None:
    assert code_span("a`b|c\n# d <script>") == "`a'b¦c\N{REPLACEMENT CHARACTER}# d <script>`"
    assert code_span("") == "` `"


BOMB = "import pathlib\n\npathlib.Path({!r}).touch()\n"


@pytest.mark.parametrize("change", ["appended", "replaced", "operations"])
def test_the_code_of_a_stranger_s_folder_is_not_executed(
    change: str, template: ExportPackage, own_operations: Path, tmp_path: Path
) -> None:
    package = packed_with_scores(own_fabric(), "segmentation", template, logits=True)
    folder, trace = in_folder(package, tmp_path / "out", include_ops=True), tmp_path / "trace"
    imported = set(sys.modules)
    path = folder / ("operations.py" if change == "operations" else "model.py")
    before = "" if change == "replaced" else path.read_text(encoding="utf-8")
    path.write_text(before + BOMB.format(str(trace)), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_python(folder, package, trusted=False)
    assert str(error.value) == (
        f"{path}: is not what this version of bsngraph writes for its run, and loading it would execute it: "
        "use --trust if it is yours"
    )
    assert not trace.exists()
    if change == "replaced":
        with pytest.raises(InputError, match=r"has no class Step: export the run again$"):
            load_python(folder, package, trusted=True)
    else:
        assert_engine(load_python(folder, package, trusted=True), package)
    assert trace.exists()
    assert not {"model", "operations"} & (set(sys.modules) - imported)


def test_a_damaged_folder_is_refused(template: ExportPackage, tmp_path: Path) -> None:
    folder = in_folder(template, tmp_path / "out")
    weights, model = folder / "model.safetensors", folder / "model.py"
    content, text = weights.read_bytes(), model.read_text(encoding="utf-8")

    def refused(*, trusted: bool = False) -> str:
        with pytest.raises(InputError) as error:
            load_python(folder, template, trusted)
        return str(error.value)

    weights.write_bytes(content[:100])
    assert refused().startswith(f"{weights}: does not fit model.py (")
    save_file({"mean": torch.zeros(1, 1, 1, 1)}, weights)
    assert refused().startswith(
        f"{weights}: does not fit model.py (Error(s) in loading state_dict for MyDigits"
    )
    weights.unlink()
    assert refused() == f"{weights}: cannot be read (No such file or directory)"
    model.write_bytes(b"\xff")
    assert refused(trusted=True) == f"{model}: is no text in UTF-8: export the run again"
    model.write_text(text.replace("import torch", "import torch, not_there"), encoding="utf-8")
    assert refused(trusted=True).startswith(f"{model}, line ")
    model.write_text("class", encoding="utf-8")
    assert refused(trusted=True).startswith(f"{model}, line 1: SyntaxError")
    model.unlink()
    assert refused() == f"{model}: cannot be read (No such file or directory)"


def test_an_export_of_a_fabric_without_a_name_is_loaded_and_verified(
    template: ExportPackage, tmp_path: Path
) -> None:
    folder = export(template.run.path, "python", tmp_path / "out").folder
    result = CliRunner().invoke(cli, ["verify", str(folder)])
    assert result.exit_code == 0, result.output


def test_the_folder_runs_where_bsngraph_is_not(template: ExportPackage, tmp_path: Path) -> None:
    package = packed(read_fabric(FABRICS / "digits.dot"), "classification", template, logits=True)
    folder = in_folder(package, tmp_path / "out")
    values = raw_batch(package.network, 5)
    torch.save(values, tmp_path / "values.pt")
    code = (
        "import pathlib, sys, torch\n"
        f"sys.path[:0] = [{str(folder)!r}]\n"
        "sys.path[:] = [path for path in sys.path if not (pathlib.Path(path) / 'bsngraph').exists()]\n"
        "sys.modules['bsngraph'] = None\n"
        "from model import load\n"
        f"found = load()(torch.load({str(tmp_path / 'values.pt')!r}))\n"
        f"torch.save(found['logits'].detach(), {str(tmp_path / 'found.pt')!r})\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, cwd=tmp_path)
    with torch.no_grad():
        expected = package.reference(values)["logits"]
    found = torch.load(tmp_path / "found.pt")
    assert float((found - expected).abs().max()) <= TOLERANCE * float(expected.abs().max())
