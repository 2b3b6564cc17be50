"""Families for photographs, masks and tables: the published networks are sub-networks
of them to the last digit, by torch's own counts on networks written out by hand;
fabrics for the data at hand; files with parameters; one row makes a family.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, architecture_of, fabric_from_networkx, live_edges, read_fabric
from bsngraph.fabric.families import (
    FAMILIES,
    FabricFamily,
    mlp_fabric,
    mobilenet_fabric,
    resnet18_fabric,
    resnet_fabric,
    unet_fabric,
)
from bsngraph.fabric.families.sketch import Sketch, add_classifier, sketch
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric, prune

IMAGENET = {"input_shape": (3, 224, 224), "classes": 1000}


def conv(incoming: int, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(incoming, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(channels)]


class Block(nn.Module):
    def __init__(self, incoming: int, channels: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *conv(incoming, channels, 3, stride), nn.ReLU(), *conv(channels, channels, 3)
        )
        self.skip = nn.Sequential(*(conv(incoming, channels, 1, stride) if stride > 1 else []))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.main(x) + self.skip(x))


def resnet(blocks: tuple[int, ...], channels: int, classes: int) -> nn.Sequential:
    """He et al. 2015, table 1: ResNet-18 and ResNet-34."""
    layers = [*conv(3, channels, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    incoming = channels
    for stage, count in enumerate(blocks):
        for block in range(count):
            width = channels * 2**stage
            layers.append(Block(incoming, width, 2 if stage and not block else 1))
            incoming = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(incoming, classes))


class Bottleneck(nn.Module):
    def __init__(self, incoming: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = incoming * expansion
        expand = [*conv(incoming, wide, 1), nn.ReLU6()] if expansion > 1 else []
        depthwise = [*conv(wide, wide, 3, stride, wide), nn.ReLU6()]
        self.main = nn.Sequential(*expand, *depthwise, *conv(wide, channels, 1))
        self.residual = stride == 1 and incoming == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x) if self.residual else self.main(x)


MOBILE = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)]
MOBILE += [(6, 320, 1, 1)]


def mobilenet(rows: list[tuple[int, int, int, int]], stem: int, last: int, classes: int) -> nn.Sequential:
    """Sandler et al. 2018, table 2: rows of expansion, channels, count and stride."""
    layers, incoming = [*conv(3, stem, 3, 2), nn.ReLU6()], stem
    for expansion, channels, count, stride in rows:
        for position in range(count):
            layers.append(Bottleneck(incoming, channels, 1 if position else stride, expansion))
            incoming = channels
    layers += [*conv(incoming, last, 1), nn.ReLU6()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, classes))


def published(fabric: Fabric) -> Fabric:
    """The sub-network with the edges that the published network has."""
    kept = [
        edge.fixed or edge.key in ("block", "k3e6") or edge.name == "stem6->s1p1#k3e1"
        for edge in fabric.edges
    ]
    # a basic block has its skip beside it, an MBConv has it inside
    kept = [
        one or (edge.key == "skip" and edge.choice is None)
        for one, edge in zip(kept, fabric.edges, strict=True)
    ]
    return prune(fabric, architecture_of(fabric, np.array(kept)))


def macs_by_torch(net: nn.Module, shape: tuple[int, ...]) -> int:
    with FlopCounterMode(display=False) as counter:
        net.eval()(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


def on_meta(make, *arguments) -> nn.Module:
    with torch.device("meta"):
        return make(*arguments)


@pytest.mark.parametrize(
    ("fabric", "theirs", "params", "macs"),
    [
        (resnet18_fabric(**IMAGENET), (resnet, (2, 2, 2, 2), 64, 1000), 11_689_512, 1_814_073_344),
        (
            resnet18_fabric(**IMAGENET, blocks=(3, 4, 6, 3)),
            (resnet, (3, 4, 6, 3), 64, 1000),
            21_797_672,
            3_663_761_408,
        ),
        (mobilenet_fabric(**IMAGENET), (mobilenet, MOBILE, 32, 1280, 1000), 3_504_872, 300_774_272),
    ],
    ids=["ResNet-18", "ResNet-34", "MobileNetV2"],
)
def test_published_networks_cost_what_they_do_to_the_last_digit(fabric, theirs, params, macs):
    make, *arguments = theirs
    profile = profile_fabric(published(fabric))
    net = on_meta(make, *arguments)
    assert profile.params.sum() == params == sum(each.numel() for each in net.parameters())
    assert profile.macs.sum() == macs == macs_by_torch(net, (3, 224, 224))


SMALL_ROWS = [(1, 4, 1, 1), (6, 6, 2, 2), (6, 8, 2, 1)]


@pytest.mark.parametrize(
    ("fabric", "theirs"),
    [
        (
            resnet18_fabric(input_shape=(3, 37, 32), classes=5, channels=4, blocks=(2, 1, 1)),
            resnet((2, 1, 1), 4, 5),
        ),
        (
            mobilenet_fabric(
                input_shape=(3, 37, 32), classes=5, channels=(4, 6, 8), layers=(1, 2, 2), strides=(1, 2, 1),
                stem=6, last=9,
            ),
            mobilenet(SMALL_ROWS, 6, 9, 5),
        ),
    ],
    ids=["ResNet", "MobileNetV2"],
)  # fmt: skip
def test_with_the_edges_of_the_published_network_the_sub_network_is_it(fabric, theirs):
    torch.manual_seed(0)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 2.0)
    net = compile_fabric(published(fabric), seed=0)
    ours = [tensor for module in net.operations for tensor in module.state_dict().values()]
    for mine, tensor in zip(ours, theirs.state_dict().values(), strict=True):
        assert mine.shape == tensor.shape
        mine.copy_(tensor)
    x = torch.randn(2, 3, 37, 32)
    torch.testing.assert_close(net.eval()(x), theirs.eval()(x))


def test_a_unet_paints_images_of_any_size_and_may_drop_either_way_up():
    for size, stride in (((32, 32), 1), ((17, 5), 1), ((19, 23), 2)):
        fabric = unet_fabric(input_shape=(1, *size), classes=3, channels=2, stride=stride)
        net = compile_fabric(profile_fabric(fabric), seed=0)
        assert net(torch.randn(2, 1, *size)).shape == (2, 3, *size)
    for gone in ("lateral", "up3"):
        kept = np.array([[edge.key not in (gone, "block") for edge in fabric.edges]])
        live = live_edges(fabric.sweep, kept)
        assert (live == kept).all()


def test_macs_and_params_of_a_unet_are_those_derived_by_hand():
    """Two levels of 4 and 8 feature maps at 8x6 and 4x3."""
    profile = profile_fabric(unet_fabric(input_shape=(1, 8, 6), classes=3, levels=2, channels=4))
    fine, coarse = 48, 12
    work = [2 * 9 * c * c + 9 * c + c * c for c in (4, 8)]  # a basic block and a separable conv
    up = (9 + 1) * 8 * 4
    macs = 9 * 4 * fine + 2 * work[0] * fine + work[1] * coarse + 9 * 4 * 8 * coarse + up * fine + 12 * fine
    norms = 2 * (4 + 2 * 4 * (2 + 2) + 8 * (2 + 2) + 8 + 2 * 4)
    params = 9 * 4 + 2 * work[0] + work[1] + 9 * 4 * 8 + up + (12 + 3) + norms
    assert (profile.macs.sum(), profile.params.sum()) == (macs, params)


def test_an_mlp_of_linear_layers_alone_has_the_weights_of_its_widths():
    fabric = mlp_fabric(input_shape=(10,), classes=3, widths=(16, 16, 8))
    plain = np.array([edge.fixed or edge.key == "linear" for edge in fabric.edges])
    profile = profile_fabric(prune(fabric, architecture_of(fabric, plain)))
    sizes = [10, 16, 16, 8, 3]
    assert profile.params.sum() == sum((a + 1) * b for a, b in pairwise(sizes))
    assert profile.macs.sum() == sum(a * b for a, b in pairwise(sizes))
    skips = {edge.name: edge.op for edge in fabric.edges if edge.key == "skip"}
    assert skips == {"h1->h2#skip": "identity", "h2->h3#skip": "linear"}


# --- the command


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def arrays(tmp_path_factory) -> Path:
    """Tiny data of every task, in files of arrays."""
    folder = tmp_path_factory.mktemp("arrays")
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (12, 3, 16, 16), dtype=np.uint8)
    labels = {
        "classes": np.arange(12) % 3,
        "masks": generator.integers(0, 2, (12, 16, 16)).astype(np.uint8),
        "amounts": generator.normal(size=(12, 2)).astype(np.float32),
    }
    labels["masks"][:, 0, :2] = (0, 1)
    for name, y in labels.items():
        np.savez(folder / f"{name}.npz", x_train=images, y_train=y, x_test=images, y_test=y)
    return folder


@pytest.mark.parametrize(
    ("family", "kind", "said"),
    [
        ("mobilenet", "classes", "classification, input 3x16x16, output 3"),
        ("resnet18", "amounts", "regression, input 3x16x16, output 2"),
        ("unet", "masks", "segmentation, input 3x16x16, output 2x16x16"),
        ("cnf", "masks", "segmentation, input 3x16x16, output 2x16x16"),
        ("cnf", "amounts", "regression, input 3x16x16, output 2"),
    ],
)
def test_a_fabric_for_data_fits_them(family, kind, said, arrays, tmp_path):
    data, file = f"npz:{arrays / kind}.npz", tmp_path / "my.dot"
    written = invoke("fabric", family, "--data", data, "--no-costs", "-o", file)
    assert written.exit_code == 0, written.output
    checked = invoke("check", file, "--data", data)
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.endswith(f"data {data} fit: {said}\n")


def test_tables_and_digits_need_no_file(tmp_path):
    for family, data, task in (
        ("mlp", "diabetes", "regression"),
        ("transformer", "digit-sequences", "classification"),
        ("resnet", "digits", "classification"),
    ):
        assert invoke("fabric", family, "--data", data, "-o", tmp_path / "my.dot").exit_code == 0
        facts = json.loads(invoke("check", tmp_path / "my.dot", "--data", data, "--format", "json").stdout)
        assert (facts["data"]["name"], facts["data"]["task"]) == (data, task)
    text = invoke("fabric", "mlp", "--data", "digits", "-o", tmp_path / "my.dot")
    assert text.exit_code == 2
    assert "input=1x8x8 is not a vector: give the number of features, e.g. 10" in text.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["resnet18", "--task", "segmentation"], "resnet18 has no head for segmentation: take cnf or unet"),
        (["unet", "--task", "regression"], "unet has no head for regression: take another family"),
        (
            ["resnet", "--data", "digits", "--classes", 3],
            "--classes and --data exclude each other: the data say what it would say",
        ),
        (
            ["mobilenet", "--layers", "1,2"],
            "channels, layers and strides have 7, 2 and 7 numbers: give each of them one for every stage",
        ),
        (["mlp", "--widths", "0"], "widths=0 must lie between 1 and 65536"),
    ],
)
def test_what_makes_no_fabric_is_said_with_the_cure(arguments, text, tmp_path):
    result = invoke("fabric", *arguments, "-o", tmp_path / "x.dot")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {text}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "more", "text"),
    [
        (
            "diabetes",
            [],
            'the fabric\'s source image takes 1x8x8, but diabetes has 10: write input="10" on it',
        ),
        ("digits", ["--task", "regression"], "use --set outputs=1, if the fabric has that parameter"),
        ("digits", ["--set", "classes=3"], "gives 3, but digits has 10 classes: use --set classes=10"),
    ],
)
def test_check_says_what_does_not_fit_with_the_cure(data, more, text, tmp_path):
    invoke("fabric", "resnet", "--input", "1x8x8", "--no-costs", "-o", tmp_path / "my.dot")
    result = invoke("check", tmp_path / "my.dot", "--data", data, *more)
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_task_without_data_is_refused(tmp_path):
    invoke("fabric", "resnet", "--no-costs", "-o", tmp_path / "my.dot")
    result = invoke("check", tmp_path / "my.dot", "--task", "regression")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: --task says what --data are used for: name the data, too\n",
    )


# --- files


@pytest.mark.parametrize("suffix", [".dot", ".graphml", ".json"])
def test_every_family_writes_what_it_is(suffix, tmp_path):
    for name, family in FAMILIES.items():
        file = tmp_path / f"{name}{suffix}"
        assert invoke("fabric", name, "--no-costs", "-o", file).exit_code == 0
        shape = tuple(map(int, family.input_sizes.split("x")))
        graph = family.sketch(input_shape=shape, classes=10, task=family.task)
        assert read_fabric(file) == fabric_from_networkx(graph)


def test_written_files_keep_their_parameters(tmp_path):
    file = tmp_path / "my.dot"
    assert invoke("fabric", "resnet", "--channels", 4, "-o", file).exit_code == 0
    wide = read_fabric(file, {"channels": 8, "classes": 3})
    assert wide == resnet_fabric(input_shape=(3, 32, 32), classes=3, channels=8)
    # what the file carries is of four channels, so it is not carried on
    assert not any(edge.computed for edge in wide.edges)
    assert not any(node.tensor for node in wide.nodes)
    assert all(edge.computed for edge in read_fabric(file).edges)


# --- a family is one row


def sketch_dummy(
    *,
    input_shape: tuple[int, ...],
    classes: int,
    task: str = "classification",
    steps: Annotated[int, "Steps of the dummy."] = 2,
    kind: Annotated[str, "What the dummy does.", "conv", "identity"] = "identity",
) -> Sketch:
    graph = sketch("dummy", input_shape, parameters={})
    names = ["image", *(f"step{number}" for number in range(steps))]
    arguments = {"channels": input_shape[0]} if kind == "conv" else {}
    for ends in pairwise(names):
        graph.add_edge(*ends, "only", op=kind, **arguments)
    add_classifier(graph, names[-1], classes, task)
    return graph


def test_a_family_is_one_row_of_the_table(monkeypatch, tmp_path):
    row = FabricFamily(sketch_dummy, "A dummy.\n\nNothing more.", ("--steps 3 -o dummy.dot",))
    monkeypatch.setitem(FAMILIES, "dummy", row)
    text = invoke("fabric", "dummy", "--help").output
    assert "--steps INTEGER" in text
    assert "[conv|identity]" in text
    assert "Example:\n    bsngraph fabric dummy --steps 3 -o dummy.dot" in text
    assert "  dummy " in invoke("fabric", "--help").output
    file = tmp_path / "my.dot"
    made = invoke("fabric", "dummy", "--data", "digits", "--steps", 3, "--kind", "conv", "-o", file)
    assert made.exit_code == 0, made.output
    assert [edge.op for edge in read_fabric(file).edges] == ["conv"] * 3 + ["classifier"]
    assert invoke("check", file, "--data", "digits").exit_code == 0


def test_numbers_of_the_new_families_have_bounds():
    for make, given, text in (
        (resnet18_fabric, {"blocks": ()}, "stages=0 must lie between 1 and 8"),
        (mobilenet_fabric, {"strides": (1, 2, 2, 2, 1, 9, 1)}, "strides=9 must lie between 1 and 4"),
        (unet_fabric, {"stride": 0}, "stride=0 must lie between 1 and 4"),
    ):
        with pytest.raises(InputError) as caught:
            make(**IMAGENET | given)
        assert str(caught.value) == text
