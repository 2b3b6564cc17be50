"""ONNX files against the networks that they were made from, run by onnxruntime: the
same answers for any batch, the names, the opset and the costs that were asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import Phase, given, settings
from packed import TASK_FABRICS, packed
from random_fabrics import small_fabrics
from tiny import DIGITS, fabric_of, no_pictures, written
from torch import Tensor, nn

from bsngraph.errors import BsngraphError, InputError
from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.onnx.counting import graph_counts
from bsngraph.exporting.onnx.running import OnnxEngine, load_onnx
from bsngraph.exporting.onnx.writing import write_onnx
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.exporting.proof.parity import made_up, parity
from bsngraph.exporting.proof.proving import Proof, cost_rows, failures
from bsngraph.fabric import read_fabric
from bsngraph.ops import OPERATIONS, operation
from bsngraph.searching import search
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import compile_fabric

FABRICS = Path(__file__).parents[1] / "fabrics"
#: Those of a second each; the others are left to the slow test.
QUICK = ("digits", "transformer")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ExportPackage:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        search(
            read_fabric(written(DIGITS, folder)),
            "digits",
            ["macs=80%"],
            out=folder / "run",
            recipe=Recipe(epochs=1, batch_size=256),
            settings=SearchSettings(finalists=0, finetune_epochs=0, candidates=2),
            threads=1,
        )
    return pack(folder / "run")


def exported(package: ExportPackage, folder: Path, **options: Any) -> OnnxEngine:
    write_onnx(package, folder, ExportOptions(**options))
    return load_onnx(folder, package, False)


def assert_proved(package: ExportPackage, engine: OnnxEngine) -> None:
    """The same answers as the run's own network, and its MACs."""
    rows = parity(package, TorchEngine(package.reference, package.network.inputs), engine)
    costs = cost_rows(package, engine.counts())
    assert failures(Proof(rows, None, costs, ()), exact=True) == []
    assert costs["macs"].exported == costs["macs"].run
    assert costs["params"].exported <= costs["params"].run


def task_of_fabric(path: Path) -> str:
    """Maps of classes are segmentation."""
    profile = compile_fabric(read_fabric(path), seed=0).profile
    target = profile.node_shapes[profile.fabric.target_indices[0]]
    return "segmentation" if len(target) == 3 else "classification"


@pytest.mark.parametrize("name", QUICK)
def test_a_fabric_of_ours_answers_the_same_as_an_onnx_file(
    name: str, template: ExportPackage, tmp_path: Path
) -> None:
    path = FABRICS / f"{name}.dot"
    package = packed(read_fabric(path), task_of_fabric(path), template, logits=True)
    assert_proved(package, exported(package, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FABRICS.glob("*.dot")), ids=lambda path: path.stem)
def test_every_fabric_of_ours_answers_the_same_as_an_onnx_file(
    path: Path, template: ExportPackage, tmp_path: Path
) -> None:
    for logits in (True, False):
        package = packed(read_fabric(path), task_of_fabric(path), template, logits=logits)
        assert_proved(package, exported(package, tmp_path))


@pytest.mark.parametrize("name", TASK_FABRICS)
def test_every_task_answers_the_same_as_an_onnx_file(
    name: str, template: ExportPackage, tmp_path: Path
) -> None:
    text, task = TASK_FABRICS[name]
    dtype = {"amounts": torch.float64, "decisions": torch.float32}.get(name, torch.uint8)
    package = packed(fabric_of(text, tmp_path), task, template, dtype=dtype)
    engine = exported(package, tmp_path)
    assert_proved(package, engine)
    assert engine.input_names == [each.name for each in package.network.inputs]
    assert engine.output_names == [each.name for each in package.network.outputs]
    for each in engine.session.get_inputs():
        assert each.shape[0] == "batch"
    batch = made_up(package, 33)
    wanted = TorchEngine(package.reference, package.network.inputs).run(batch)
    for name_of, values in engine.run(batch).items():
        assert values.shape == wanted[name_of].shape
        assert np.allclose(values.astype(float), wanted[name_of].astype(float), rtol=1e-4, atol=1e-5)


@settings(max_examples=2, phases=[Phase.generate])
@given(fabric=small_fabrics(max_edges=8, max_inner=4, max_sources=2, max_targets=2))
def test_random_fabrics_answer_the_same_as_onnx_files(
    fabric: Any, template: ExportPackage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    package = packed(fabric, "segmentation", template, dtype=torch.float32, logits=True)
    assert_proved(package, exported(package, tmp_path_factory.mktemp("random")))


def test_sources_may_be_called_as_things_inside_the_file(template: ExportPackage, tmp_path: Path) -> None:
    text = (
        'digraph net { graph [source="mean,class,conv2d", target="relu"]; '
        "edge [op=conv, channels=3, norm=none]; "
        'mean [input="1x4x4"]; class [input="1x4x4"]; conv2d [input="1x4x4"]; a [activation=relu];'
        "mean -> a; class -> a; conv2d -> a; a -> relu [op=classifier, classes=3]; }"
    )
    package = packed(fabric_of(text, tmp_path), "classification", template)
    engine = exported(package, tmp_path)
    assert_proved(package, engine)
    assert engine.input_names == ["mean", "class", "conv2d"]
    assert engine.output_names == ["probabilities", "relu.class"]


# --- what the file says


def test_one_file_holds_everything_and_says_what_it_is_for(
    template: ExportPackage, model_file: bytes, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(model_file)
    engine = load_onnx(tmp_path, template, False)
    assert engine.opset == 18
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"]) == [str(digit) for digit in range(10)]
    assert json.loads(said["inputs"]) == {
        "image": {"shape": [1, 8, 8], "dtype": "uint8", "layout": "NCHW", "range": [0.0, 16.0]}
    }
    assert json.loads(said["mean"]) == list(template.facts.mean)
    assert json.loads(said["budgets"]) == ["macs=80%"]
    assert json.loads(said["costs"])["macs"] == template.result.costs["macs"].value
    assert said["certificate"] == template.certificate_hash
    assert (said["task"], said["name"]) == ("classification", "tiny_digits")
    assert str(Path(__file__).parents[1]).encode() not in model_file, "no path of this machine"
    (raw,) = session.get_inputs()
    assert (raw.name, raw.type, raw.shape) == ("image", "tensor(uint8)", ["batch", 1, 8, 8])
    assert {node.op_type for node in engine.model.graph.node} & {"BatchNormalization", "Identity"} == set()
    test = template.dataset.test.inputs[:50] if template.dataset else torch.empty(0)
    with torch.no_grad():
        wanted = template.reference(test)["class"].numpy()
    assert np.array_equal(session.run(["class"], {"image": test.numpy()})[0], wanted)


def test_an_opset_that_the_exporter_does_not_give_is_an_error(
    template: ExportPackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BsngraphError, match="gives opset 18 where 15 is asked for: ask for 18, or leave out"):
        write_onnx(template, tmp_path, ExportOptions(opset=15))
    with pytest.raises(BsngraphError, match="there is no opset 99: the newest that is known here is 2"):
        write_onnx(template, tmp_path, ExportOptions(opset=99))
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


class Bessel(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)


def test_an_operator_that_onnx_cannot_hold_is_named_with_its_edge(
    template: ExportPackage, tmp_path: Path
) -> None:
    @operation("bessel")
    def bessel(shape: tuple[int, ...]) -> nn.Module:
        """A function of a user's own."""
        return Bessel()

    try:
        text = TASK_FABRICS["classes"][0].replace("a -> scores", "a -> b [op=bessel]; b -> scores")
        package = packed(fabric_of(text, tmp_path), "classification", template)
        with pytest.raises(BsngraphError) as caught:
            write_onnx(package, tmp_path, ExportOptions())
    finally:
        del OPERATIONS["bessel"]
    assert str(caught.value) == (
        "ONNX cannot hold prims.bessel_j0 of edge a->b#0 (op=bessel): use another format, or another "
        "operation"
    )
    assert not (tmp_path / "model.onnx").exists()


# --- costs of a graph, by hand


@pytest.mark.parametrize(
    ("node", "inputs", "weights", "macs"),
    [
        (("Conv", {"group": 2}), (1, 4, 5, 5), {"w": (6, 2, 3, 3)}, 6 * 3 * 3 * 2 * 9),
        (("ConvTranspose", {"strides": [2, 2]}), (1, 4, 3, 3), {"w": (4, 5, 2, 2)}, 4 * 9 * 5 * 4),
        (("Gemm", {"transB": 1}), (1, 7), {"w": (3, 7)}, 21),
        (("MatMul", {}), (1, 6, 7), {"w": (7, 3)}, 6 * 21),
        (("Einsum", {"equation": "bld,de->ble"}), (1, 6, 7), {"w": (7, 3)}, 6 * 21),
        (("Mul", {}), (1, 7), {"w": (1, 7)}, 0),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) and isinstance(value[0], str) else None,
)
def test_a_graph_costs_what_a_formula_says(
    node: tuple[str, dict[str, Any]], inputs: tuple[int, ...], weights: dict[str, Any], macs: int
) -> None:
    kind, attributes = node
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, ["x", *weights], ["y"], **attributes)],
        "one",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", *inputs[1:]])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    counted = graph_counts(model)
    assert counted.macs == macs
    assert counted.params == sum(int(np.prod(shape)) for shape in weights.values())


# --- files of strangers


def garbage(path: Path) -> None:
    path.write_bytes(b"no model of any kind")


def elsewhere(path: Path) -> None:
    """Weights in another file."""
    model = onnx.load(path)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "/etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    path.write_bytes(model.SerializeToString())


def unknown_operator(path: Path) -> None:
    model = onnx.load(path)
    model.graph.node[0].op_type = "NoSuchOperator"
    path.write_bytes(model.SerializeToString())


def renamed(path: Path) -> None:
    model = onnx.load(path)
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            node.output[index] = "other" if name == "class" else name
    model.graph.output[1].name = "other"
    path.write_bytes(model.SerializeToString())


def of_other_input(path: Path) -> None:
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 9
    path.write_bytes(model.SerializeToString())


def of_fewer_classes(path: Path) -> None:
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.endswith("linear.weight") or tensor.name.endswith("linear.bias"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor)[:5], tensor.name))
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (of_other_input, "model.onnx: fails to run"),
        (of_fewer_classes, "model.onnx: its output probabilities is not what the run's network gives"),
    ],
)
def test_a_strangers_file_of_another_network_is_an_error_of_input(
    damage: Callable[[Path], None], said: str, model_file: bytes, template: ExportPackage, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model_file)
    damage(path)
    with pytest.raises(InputError, match=said):
        load_onnx(tmp_path, template, False).run(made_up(template, 2))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (garbage, "model.onnx: is no ONNX model"),
        (elsewhere, "model.onnx: has weights in other files, which no export has"),
        (unknown_operator, "model.onnx: onnxruntime cannot run it"),
        (renamed, "model.onnx: its inputs or outputs are not those of the run's network"),
        (Path.unlink, "model.onnx: cannot be read"),
    ],
)
def test_a_strangers_file_that_is_no_export_is_an_error_of_input(
    damage: Callable[[Path], None], said: str, model_file: bytes, template: ExportPackage, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(model_file)
    damage(path)
    with pytest.raises(InputError, match=said):
        load_onnx(path.parent, template, False)


@pytest.fixture(scope="module")
def model_file(template: ExportPackage, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("model")
    write_onnx(template, folder, ExportOptions(opset=18))
    return (folder / "model.onnx").read_bytes()
