"""Exports as Python source: model.py gives what the SuperNet gives, reads as people
write, and holds nothing of a file's names but text.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import random_samples, small_fabrics
from test_one_entry import NEW_MERGES
from test_torch_nn import CALLS, call
from torch import Tensor, nn

from bsngraph.delivered import Delivered, ModelFacts
from bsngraph.exporting.python.source.model_source import ModelSource, model_source
from bsngraph.exporting.python.user_operations import copied_operations
from bsngraph.exporting.raw_network import RawNetwork, raw_inputs, reference_network
from bsngraph.fabric import Fabric, architecture_of, connected, fabric_from_networkx, live_edges, read_fabric
from bsngraph.ops import OPERATIONS
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES, Merge
from bsngraph.supernet import SuperNet, compile_fabric, prune_net

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
    for operation in operations:
        graph.add_edge("x", "y", **operation)
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


def assert_same(written: Written) -> None:
    """The source's network gives what the SuperNet gives, at three batch sizes."""
    model = written.model
    for batch in (1, 2, 7):
        values = raw_batch(written.network, batch)
        with torch.no_grad():
            found, expected = model(values), written.network(values)
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
    written = written_source(delivered_of(net_of(fabric, some_of(fabric)), task), file)
    assert_same(written)
    assert_reads_well(written.source.text, tmp_path)


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
    written = written_source(delivered_of(net_of(fabric_from_networkx(graph_of(*edges, shape=shape)))))
    assert_same(written)
    assert_reads_well(written.source.text, tmp_path)


def test_every_operation_of_ours_is_among_them() -> None:
    ours = {name for name, entry in OPERATIONS.items() if not entry.origin and not name.startswith("nn.")}
    assert {op.split()[0] for op, _, _ in CASES} == ours


def test_every_class_of_torch_is_the_same_as_source(tmp_path: Path) -> None:
    for name, rank in CALLS:
        op, arguments, shape = call(name, rank)
        graph = graph_of({"op": op, **arguments}, shape="x".join(map(str, shape)))
        written = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
        assert_same(written)
        (tmp_path / f"{name}_{rank}.py").write_text(written.source.text, encoding="utf-8")
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


@settings(max_examples=25)
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
    for activation in list(ACTIVATIONS)[:: 1 if count == 2 else 6]:
        graph = graph_of(*edges, merge=merge, activation=activation)
        written = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
        assert_same(written)
        assert " / 1" not in written.source.text
        assert_reads_well(written.source.text, tmp_path)


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
        written = written_source(delivered_of(net_of(fabric, np.array(kept, dtype=bool))))
        assert_same(written)
        assert_reads_well(written.source.text, tmp_path)


# --- answers


@pytest.mark.parametrize("task", ["classification", "segmentation", "regression", "multi-label"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.float64, torch.int64])
def test_every_task_answers_as_the_raw_network_does(task: str, dtype: torch.dtype, tmp_path: Path) -> None:
    head = {"op": "segmentation_head"} if task == "segmentation" else {"op": "classifier"}
    net = net_of(fabric_from_networkx(graph_of({**head, "classes": 3})))
    written = written_source(delivered_of(net, task), dtype=dtype, logits=False)
    assert_same(written)
    assert_reads_well(written.source.text, tmp_path)


def test_several_sources_and_targets_keep_their_names(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(source="left,right", target="scores,also", name="two views")
    for name in ("left", "right"):
        graph.add_node(name, input="2x6x6")
        graph.add_edge(name, "both", op="conv", channels=4)
    graph.add_edge("both", "scores", op="classifier", classes=3)
    graph.add_edge("both", "also", op="classifier", classes=3)
    written = written_source(delivered_of(net_of(fabric_from_networkx(graph))), "two views", logits=False)
    assert_same(written)
    assert_reads_well(written.source.text, tmp_path)
    assert 'left = (inputs["left"].float() - self.mean) / self.std' in written.source.text
    assert list(written.model(raw_batch(written.network, 2))) == [
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


def test_an_edge_is_never_called_as_a_method_of_the_class() -> None:
    graph = nx.MultiDiGraph(source="push", target="y")
    graph.add_node("push", input="2x6x6")
    graph.add_edge("push", "hub", op="conv", channels=2)
    graph.add_edge("hub", "y", op="conv", channels=2)
    written = written_source(delivered_of(net_of(fabric_from_networkx(graph))))
    assert "self.push_to_hub_2 = nn.Conv2d" in written.source.text
    assert_same(written)
