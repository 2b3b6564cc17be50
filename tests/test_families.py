"""Families: counts and costs derived by hand, the exact ResNets, the files in fabrics/
and what their README says of them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch.nn import functional

from bsngraph.cli.main import cli
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, live_edges, read_fabric
from bsngraph.fabric.families import (
    FAMILIES,
    cell_fabric,
    chain_fabric,
    cnf_fabric,
    plain_resnet_fabric,
    resnet_fabric,
    transformer_fabric,
)
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric

FABRICS = Path(__file__).parents[1] / "fabrics"
README = (FABRICS / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    name: shlex.split(words)
    for words, name in re.findall(r"^bsngraph (fabric .+) -o fabrics/(\S+\.dot)$", README, re.MULTILINE)
}
FILES = sorted(path.name for path in FABRICS.glob("*.dot"))

IMAGE = (3, 32, 32)
BATCH = 2


def connections(fabric: Fabric) -> Counter[tuple[str, str]]:
    """How many searchable edges lie between two nodes."""
    return Counter((fabric.edges[index].source, fabric.edges[index].target) for index in fabric.searchable)


def sample(fabric: Fabric, batch: int, seed: int = 0) -> np.ndarray:
    """A sample that keeps one of every choice, and about three of four of all else:
    (batch, edges).
    """
    generator = np.random.default_rng(seed)
    decisions = fabric.decisions
    values = generator.random((batch, len(decisions.edges_of))) < 0.75
    for choice in decisions.choices:
        values[:, choice] = np.arange(len(choice)) == generator.integers(len(choice), size=(batch, 1))
    return decisions.kept(values)


def outputs(fabric: Fabric, batch: int = 2) -> torch.Tensor:
    profile = profile_fabric(fabric)
    return compile_fabric(profile, seed=0)(torch.randn(batch, *profile.node_shapes[fabric.source_indices[0]]))


# --- the ResNet Fabric

# Three groups of three, read off the definition by hand. Position −1, 0, 1, 2 of group
# 1 are stem, g1b1, g1b2, g1b3; those of group 2 are g1b3, g2b1, g2b2, g2b3. Block n = 0
# takes 1, 0; n = 1 takes 0, 1, −1; n = 2 takes −1, 0.
WITHIN = [("stem", "g1b1"), ("g1b1", "g1b2"), ("g1b2", "g1b3")]
WITHIN += [("g1b3", "g2b1"), ("g2b1", "g2b2"), ("g2b2", "g2b3")]
WITHIN += [("g2b3", "g3b1"), ("g3b1", "g3b2"), ("g3b2", "g3b3")]
ACROSS = [("g1b2", "g2b1"), ("g1b1", "g2b1")]
ACROSS += [("g1b1", "g2b2"), ("g1b2", "g2b2"), ("stem", "g2b2")]
ACROSS += [("stem", "g2b3"), ("g1b1", "g2b3")]
ACROSS += [("g2b2", "g3b1"), ("g2b1", "g3b1")]
ACROSS += [("g2b1", "g3b2"), ("g2b2", "g3b2"), ("g1b3", "g3b2")]
ACROSS += [("g1b3", "g3b3"), ("g2b1", "g3b3")]


def group_of(node: str) -> int:
    return 1 if node == "stem" else int(node[1])


def test_three_groups_of_three_blocks_have_the_paper_s_46_searchable_edges():
    fabric = resnet_fabric(input_shape=IMAGE, classes=10)
    assert connections(fabric) == dict.fromkeys(WITHIN + ACROSS, 2)
    assert len(fabric.searchable) == 2 * (9 + 14) == 46
    assert sorted(edge.op for edge in fabric.edges if edge.fixed) == ["classifier", "conv"]


def test_each_connection_of_a_resnet_fabric_is_a_block_and_a_skip():
    fabric = resnet_fabric(input_shape=IMAGE, classes=10)
    for source, target in WITHIN + ACROSS:
        found = {
            edge.op: edge.arguments for edge in fabric.edges if (edge.source, edge.target) == (source, target)
        }
        stride = 2 ** (group_of(target) - group_of(source))
        width = 16 * 2 ** (group_of(target) - 1)
        assert found.pop("basic_block") == {"channels": width, "stride": stride, "residual": False}
        assert found == (
            {"identity": {}} if stride == 1 else {"projection": {"channels": width, "stride": stride}}
        )
    for node in fabric.nodes:
        assert (node.merge, node.activation) == (
            "sum",
            "none" if node.name in ("image", "scores") else "relu",
        )


@pytest.mark.parametrize(
    ("input_shape", "classes"), [((3, 32, 32), 10), ((3, 32, 32), 100), ((1, 28, 28), 10), ((2, 17, 5), 3)]
)
def test_macs_and_params_of_the_resnet_fabric_are_those_derived_by_hand(input_shape, classes):
    incoming, *size = input_shape
    widths, areas = [16, 32, 64], []
    for _ in widths:
        areas.append(size[0] * size[1])
        size = [(length + 1) // 2 for length in size]
    macs, params = 9 * incoming * 16 * areas[0], 9 * incoming * 16 + 2 * 16
    for source, target in WITHIN + ACROSS:
        narrow, wide = widths[group_of(source) - 1], widths[group_of(target) - 1]
        weights, norms = 9 * narrow * wide + 9 * wide * wide, 2
        if group_of(source) != group_of(target):
            weights, norms = weights + narrow * wide, 3
        macs += weights * areas[group_of(target) - 1]
        params += weights + norms * 2 * wide
    profile = profile_fabric(resnet_fabric(input_shape=input_shape, classes=classes))
    assert profile.macs.sum() == macs + 64 * classes
    assert profile.params.sum() == params + 65 * classes


@pytest.mark.parametrize(
    ("groups", "blocks"), [(1, 1), (1, 4), (2, 1), (3, 1), (3, 2), (3, 5), (4, 3), (5, 2)]
)
def test_searchable_edges_of_any_resnet_fabric_follow_the_formula(groups, blocks):
    fabric = resnet_fabric(input_shape=(1, 6, 5), classes=10, groups=groups, blocks=blocks, channels=1)
    assert len(fabric.searchable) == 2 * blocks * groups + 2 * (3 * blocks - 2) * (groups - 1)
    assert set(connections(fabric).values()) == {2}
    assert outputs(fabric).shape == (2, 10)


def test_the_merge_of_a_resnet_fabric_may_be_the_mean():
    fabric = resnet_fabric(input_shape=IMAGE, classes=10, merge="mean")
    assert {node.merge for node in fabric.nodes if node.name not in ("image", "scores")} == {"mean"}


# --- plain ResNets


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
def test_plain_resnets_cost_what_they_do_to_the_last_digit(depth, macs, params):
    fabric = plain_resnet_fabric(input_shape=IMAGE, classes=10, depth=depth)
    profile = profile_fabric(fabric)
    assert (profile.macs.sum(), profile.params.sum()) == (macs, params)
    assert macs == 442_368 + 2_359_296 * (depth - 3) + 640
    assert not fabric.searchable
    layers = {"conv": 1, "basic_block": 2, "classifier": 1}
    assert sum(layers.get(edge.op, 0) for edge in fabric.edges) == depth


def test_a_plain_resnet_is_that_of_its_equations():
    """y = relu(block(x) + shortcut(x)) block after block, written out without a
    fabric.
    """
    fabric = plain_resnet_fabric(input_shape=(3, 9, 8), classes=5, depth=8, channels=4)
    net = compile_fabric(fabric, seed=0).eval()
    run = {edge.name: net.operations[index] for index, edge in enumerate(fabric.edges)}
    x = torch.randn(2, 3, 9, 8)
    y = functional.relu(run["image->stem#conv"](x))
    for source, target in (("stem", "g1b1"), ("g1b1", "g2b1"), ("g2b1", "g3b1")):
        skip = y
        if source != "stem":
            skip = functional.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 0, y.shape[1]))
        y = functional.relu(run[f"{source}->{target}#block"](y) + skip)
    torch.testing.assert_close(net(x), run["g3b1->scores#classifier"](y))


# --- the CNF


def halved(height: int, width: int) -> list[tuple[int, int]]:
    sizes = [(height, width)]
    while sizes[-1] != (1, 1):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


@pytest.mark.parametrize("task", ["classification", "segmentation"])
@pytest.mark.parametrize(
    ("input_shape", "layers"),
    [((1, 28, 28), 4), ((3, 32, 32), 4), ((3, 32, 32), 2), ((2, 17, 5), 3), ((1, 1, 1), 3)],
)
def test_edges_macs_and_params_of_a_cnf_are_those_derived_by_hand(input_shape, layers, task):
    incoming, height, width = input_shape
    channels, classes = 6, 7
    areas = [rows * columns for rows, columns in halved(height, width)]
    scales = len(areas)
    segments = task == "segmentation"
    # Into the nodes of each scale: convs of the layers after the first; convs from
    # above, two chains more; from below, all layers.
    same = [layers - 1] * scales
    down = [0] + [layers - 1 + (1 if segments else 2)] * (scales - 1)
    up = [layers - 1 + (1 if segments else 0)] * (scales - 1) + [0]
    convs = [sum(counts) for counts in zip(same, down, up, strict=True)]
    fabric = cnf_fabric(input_shape=input_shape, classes=classes, layers=layers, channels=channels, task=task)
    profile = profile_fabric(fabric)
    assert len(fabric.searchable) == sum(convs) == (layers - 1) * (3 * scales - 2) + 2 * (scales - 1)
    assert len(fabric.edges) == len(fabric.searchable) + 2
    kernel = 9 * channels * channels
    heads = channels * classes * (areas[0] if segments else 1)
    assert profile.macs.sum() == 9 * incoming * channels * areas[0] + kernel * np.dot(convs, areas) + heads
    assert (
        profile.params.sum()
        == (9 * incoming + 2) * channels + (kernel + 2 * channels) * sum(convs) + (channels + 1) * classes
    )


def test_sizes_of_a_cnf_halve_by_ceiling_down_to_one():
    fabric = cnf_fabric(input_shape=(1, 28, 28), classes=10)
    shapes = dict(zip((node.name for node in fabric.nodes), profile_fabric(fabric).node_shapes, strict=True))
    for layer in range(1, 5):
        assert [shapes[f"l{layer}s{scale}"] for scale in range(1, 7)] == [
            (16, size, size) for size in (28, 14, 7, 4, 2, 1)
        ]
    assert len(shapes) == 4 * 6 + 2


def test_connections_of_a_cnf_are_those_of_its_definition():
    """Two layers of three scales, by hand, for both tasks."""
    first = {("l1s1", "l1s2"), ("l1s2", "l1s3")}
    between = {
        ("l1s1", "l2s1"),
        ("l1s2", "l2s1"),
        ("l1s1", "l2s2"),
        ("l1s2", "l2s2"),
        ("l1s3", "l2s2"),
        ("l1s2", "l2s3"),
        ("l1s3", "l2s3"),
    }
    last = {
        "classification": {("l2s1", "l2s2"), ("l2s2", "l2s3")},
        "segmentation": {("l2s3", "l2s2"), ("l2s2", "l2s1")},
    }
    output = {"classification": ("l2s3", "classifier"), "segmentation": ("l2s1", "segmentation_head")}
    for task in ("classification", "segmentation"):
        fabric = cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=2, channels=2, task=task)
        assert connections(fabric) == dict.fromkeys(first | between | last[task], 1)
        kinds = {
            (edge.source, edge.target): (edge.op, edge.arguments.get("stride", 1)) for edge in fabric.edges
        }
        for source, target in first | between | last[task]:
            coarser = int(target[-1]) - int(source[-1])
            assert kinds[source, target] == (("upsample_conv", 1) if coarser < 0 else ("conv", 1 + coarser))
        fixed = [(edge.source, edge.op) for edge in fabric.edges if edge.fixed]
        assert sorted(fixed) == sorted([("image", "conv"), output[task]])
        assert all(
            (node.merge, node.activation) == ("sum", "relu") for node in fabric.nodes if node.name[0] == "l"
        )


def test_the_classifier_of_a_cnf_is_a_1x1_conv():
    fabric = cnf_fabric(input_shape=(1, 5, 4), classes=3, layers=2, channels=4)
    net = compile_fabric(fabric, seed=0)
    (edge,) = fabric.incoming[fabric.target_indices[0]]
    linear = dict(net.operations[edge].named_parameters())
    x = torch.randn(2, 4, 1, 1)
    conv = functional.conv2d(x, linear["linear.weight"][:, :, None, None], linear["linear.bias"])
    torch.testing.assert_close(net.operations[edge](x), conv.flatten(1))


# --- cells


def test_cells_make_the_same_decision_everywhere_one_operation_a_position():
    fabric = cell_fabric(input_shape=IMAGE, classes=10, stages=3, cells=2, nodes=4)
    assert len(fabric.searchable) == 6 * 4 * 6  # positions, candidates, cells
    decisions = fabric.decisions
    assert [len(edges) for edges in decisions.edges_of] == [6] * 24
    assert [len(choice) for choice in decisions.choices] == [4] * 6
    assert not decisions.free
    for edges in decisions.edges_of:
        tied = [fabric.edges[edge] for edge in edges]
        assert (
            len({(edge.op, edge.gate, edge.choice, edge.key, edge.arguments.get("kernel")) for edge in tied})
            == 1
        )
    assert sum(edge.op == "basic_block" and edge.fixed for edge in fabric.edges) == 2


def test_every_choice_of_a_cell_is_a_whole_network():
    fabric = cell_fabric(input_shape=(1, 8, 8), classes=10, nodes=3, channels=2)
    kept = sample(fabric, 64)
    # an operation a position, and what is fixed
    assert live_edges(fabric.sweep, kept).sum(axis=1).tolist() == [3 * 3 + 4] * 64


def test_an_empty_position_of_a_cell_costs_nothing():
    fabric = cell_fabric(input_shape=(1, 8, 8), classes=10, nodes=3, channels=2, none=True)
    plain = cell_fabric(input_shape=(1, 8, 8), classes=10, nodes=3, channels=2)
    assert profile_fabric(fabric).macs.sum() == profile_fabric(plain).macs.sum()
    kept = sample(fabric, 1)
    on = np.array([edge.gate == "1-3/on" for edge in fabric.edges])
    ways = np.array([edge.key == "on" for edge in fabric.edges])
    kept[:, ways] = True
    kept[:, on] = False
    position = np.array([edge.choice == "1-3" for edge in fabric.edges])
    live = live_edges(fabric.sweep, kept)
    assert not live[0, position].any()
    assert live[0, ~position & ~on].tolist() == kept[0, ~position & ~on].tolist()


# --- the chain


def test_each_position_of_a_chain_is_one_choice():
    fabric = chain_fabric(input_shape=IMAGE, classes=10)
    between = connections(fabric)
    assert between == {
        ("stem", "s1p1"): 7, ("s1p1", "s1p2"): 7, ("s1p2", "s1p3"): 7,
        ("s1p3", "s2p1"): 6, ("s2p1", "s2p2"): 7, ("s2p2", "s2p3"): 7,
        ("s2p3", "s3p1"): 6, ("s3p1", "s3p2"): 7, ("s3p2", "s3p3"): 7,
    }  # fmt: skip
    assert [len(choice) for choice in fabric.decisions.choices] == list(between.values())
    assert not fabric.decisions.free


@pytest.mark.parametrize("input_shape", [(3, 32, 32), (1, 15, 7)])
def test_macs_of_a_chain_are_those_derived_by_hand(input_shape):
    fabric = chain_fabric(
        input_shape=input_shape,
        classes=10,
        channels=(8, 12),
        layers=2,
        stem=8,
        kernels=(3, 5),
        expansions=(2,),
    )
    incoming, height, width = input_shape
    fine, coarse = height * width, -(-height // 2) * -(-width // 2)
    macs = 9 * incoming * 8 * fine + 12 * 10
    for narrow, wide, before, after in (
        (8, 8, fine, fine),
        (8, 8, fine, fine),
        (8, 12, fine, coarse),
        (12, 12, coarse, coarse),
    ):
        for kernel in (3, 5):
            inside = 2 * narrow
            macs += narrow * inside * before + kernel * kernel * inside * after + inside * wide * after
    assert profile_fabric(fabric).macs.sum() == macs


def test_a_position_without_alternatives_is_fixed():
    fabric = chain_fabric(
        input_shape=IMAGE, classes=10, channels=(16, 24), layers=1, kernels=(3,), expansions=(3,)
    )
    assert [fabric.edges[index].name for index in fabric.searchable] == ["stem->s1p1#k3e3", "stem->s1p1#skip"]


def test_squeeze_and_excitation_adds_parameters():
    plain, squeezed = (
        chain_fabric(input_shape=IMAGE, classes=10, squeeze_excite=given) for given in (False, True)
    )
    assert profile_fabric(squeezed).params.sum() > profile_fabric(plain).params.sum()


# --- the transformer


def test_a_transformer_may_drop_every_sub_layer():
    fabric = transformer_fabric(input_shape=(8, 8), classes=10)
    assert connections(fabric) == {
        (a, b): n
        for i in range(4)
        for a, b, n in ((f"b{i}m" if i else "start", f"b{i + 1}a", 1), (f"b{i + 1}a", f"b{i + 1}m", 2))
    }
    length, incoming, features = 8, 8, 32
    attention = 4 * length * features**2 + 2 * length**2 * features
    mlps = 2 * length * features**2 * (1 + 4)
    assert (
        profile_fabric(fabric).macs.sum()
        == length * incoming * features + 4 * (attention + mlps) + features * 10
    )
    nothing = np.zeros((2, len(fabric.edges)), dtype=np.bool_)
    nothing[:, [index for index, edge in enumerate(fabric.edges) if edge.fixed]] = True
    assert live_edges(fabric.sweep, nothing).any(axis=1).all()


# --- all of them


SMALL: dict[str, Callable[..., Fabric]] = {
    "resnet": partial(resnet_fabric, blocks=2, channels=2),
    "plain resnet": partial(plain_resnet_fabric, depth=8, channels=2),
    "cnf": partial(cnf_fabric, layers=2, channels=2),
    "cells": partial(cell_fabric, nodes=3, channels=2),
    "cells with none": partial(cell_fabric, nodes=3, channels=2, none=True),
    "chain": partial(chain_fabric, channels=(2, 3), layers=2, stem=2, kernels=(3, 7), expansions=(2,)),
}


@pytest.mark.parametrize("size", [(28, 28), (17, 5), (1, 3)])
@pytest.mark.parametrize("family", SMALL)
def test_images_of_any_size_give_class_scores(family, size):
    assert outputs(SMALL[family](input_shape=(2, *size), classes=7)).shape == (2, 7)


@pytest.mark.parametrize("size", [(28, 28), (17, 5), (1, 3), (1, 1)])
def test_images_of_any_size_are_segmented_at_their_own_size(size):
    fabric = cnf_fabric(input_shape=(2, *size), classes=3, layers=2, channels=4, task="segmentation")
    assert outputs(fabric).shape == (2, 3, *size)


@pytest.mark.parametrize(
    ("make", "arguments", "text"),
    [
        (
            resnet_fabric,
            {"input_shape": (32, 32)},
            "input=32x32 is not an image: give channels, height and width, e.g. 3x32x32",
        ),
        (
            resnet_fabric,
            {"input_shape": (3, 0, 32)},
            "input=3x0x32 is not an image: give channels, height and width, e.g. 3x32x32",
        ),
        (
            resnet_fabric,
            {"input_shape": (3, 10**6, 9)},
            "input=3x1000000x9 is not an image: give channels, height and width, e.g. 3x32x32",
        ),
        (resnet_fabric, {"classes": 0}, "classes=0 must lie between 1 and 65536"),
        (resnet_fabric, {"groups": 9}, "groups=9 must lie between 1 and 8"),
        (resnet_fabric, {"blocks": 10**9}, "blocks=1000000000 must lie between 1 and 200"),
        (resnet_fabric, {"channels": 20_000}, "channels=20000 must lie between 1 and 16384"),
        (resnet_fabric, {"merge": "men"}, "merge=men is not known: did you mean 'mean'?"),
        (
            plain_resnet_fabric,
            {"depth": 18},
            "depth=18 is not 6n+2 with n from 1 to 200: take 20, 32, 44, 56, 110 …",
        ),
        (
            plain_resnet_fabric,
            {"depth": 2},
            "depth=2 is not 6n+2 with n from 1 to 200: take 20, 32, 44, 56, 110 …",
        ),
        (
            plain_resnet_fabric,
            {"depth": 6 * 10**9 + 2},
            "depth=6000000002 is not 6n+2 with n from 1 to 200: take 20, 32, 44, 56, 110 …",
        ),
        (cnf_fabric, {"layers": 1}, "layers=1 must lie between 2 and 200"),
        (cnf_fabric, {"task": "segment"}, "task=segment is not known: did you mean 'segmentation'?"),
        (cell_fabric, {"nodes": 1}, "nodes=1 must lie between 2 and 12"),
        (chain_fabric, {"channels": ()}, "stages=0 must lie between 1 and 20"),
        (
            chain_fabric,
            {"kernels": (3, 3)},
            "kernels=3,3 says a number twice: each is an alternative to the others",
        ),
        (chain_fabric, {"kernels": (3, 4)}, "kernels=3,4 must be odd: 3, 5, 7 …"),
        (chain_fabric, {"expansions": ()}, "expansions is empty: give at least one number"),
        (
            transformer_fabric,
            {"input_shape": (8, 8, 8)},
            "input=8x8x8 is not a sequence: give length and features, e.g. 8x8",
        ),
        (transformer_fabric, {"input_shape": (8, 8), "heads": 5}, "heads=5 must divide features=32"),
    ],
)
def test_numbers_that_make_no_fabric_are_refused_with_the_cure(make, arguments, text):
    with pytest.raises(InputError) as caught:
        make(**{"input_shape": IMAGE, "classes": 10} | arguments)
    assert str(caught.value) == text


# --- the command


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_help_with_an_example(family):
    result = invoke("fabric", family, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    bsngraph fabric {family} " in result.output
    assert f"  {family} " in invoke("fabric", "--help").output


def test_a_written_fabric_carries_shapes_and_costs_unless_it_is_told_not_to(tmp_path):
    result = invoke("fabric", "cnf", "--input", "1x5x7", "--channels", 4, "-o", tmp_path / "a.dot")
    assert (
        result.output
        == f"{tmp_path / 'a.dot'}: 38 edges, 36 of them searchable, 58 k MACs, 5.57 k parameters\n"
    )
    fabric = read_fabric(tmp_path / "a.dot")
    assert dict(zip(["image", "l1s1", "l1s2"], [node.tensor for node in fabric.nodes], strict=False))[
        "l1s2"
    ] == (4, 3, 4)
    assert all(set(edge.computed) == {"macs", "params"} for edge in fabric.edges)
    result = invoke(
        "fabric", "cnf", "--input", "1x5x7", "--channels", 4, "--no-costs", "-o", tmp_path / "b.dot"
    )
    assert result.output == f"{tmp_path / 'b.dot'}: 38 edges, 36 of them searchable\n"
    bare = read_fabric(tmp_path / "b.dot")
    assert bare == fabric
    assert not any(edge.computed for edge in bare.edges)


def test_without_costs_torch_is_not_imported(tmp_path):
    script = (
        "import sys; from bsngraph.cli.main import cli\n"
        f"for family in {list(FAMILIES)}:\n"
        f"    cli(['fabric', family, '--no-costs', '-o', {str(tmp_path)!r} + '/x.dot'], "
        "standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["resnet", "--input", "3x3a"], "Invalid value for '--input': '3x3a' does not read like 3x32x32"),
        (
            ["resnet", "--input", "8x8"],
            "input=8x8 is not an image: give channels, height and width, e.g. 3x32x32",
        ),
        (["resnet", "--blocks", 0], "blocks=0 must lie between 1 and 200"),
        (["resnet", "--blocks", "two"], "Invalid value for '--blocks': 'two' is not a valid integer."),
        (
            ["resnet", "--depth", 20],
            "--depth is that of a --plain ResNet: the ResNet Fabric takes --groups and --blocks",
        ),
        (
            ["resnet", "--plain", "--depth", 21],
            "depth=21 is not 6n+2 with n from 1 to 200: take 20, 32, 44, 56, 110 …",
        ),
        (["resnet", "--plain", "--blocks", 3], "--blocks has no meaning with --plain: give --depth"),
        (["resnet", "--plain", "--merge", "mean"], "--merge has no meaning with --plain: give --depth"),
        (["resnet", "--merge", "max"], "Invalid value for '--merge': 'max' is not one of 'sum', 'mean'."),
        (
            ["cnf", "--task", "detection"],
            "task=detection is not known: known are classification, multi-label, regression, segmentation",
        ),
        (
            ["chain", "--channels", "16,x"],
            "Invalid value for '--channels': '16,x' does not read like 16,24,40",
        ),
        (["transformer", "--heads", 5], "heads=5 must divide features=32"),
        (["resnets"], "No such command 'resnets'."),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_what_is_wrong(arguments, text, tmp_path):
    result = invoke("fabric", *arguments, *([] if arguments == ["resnets"] else ["-o", tmp_path / "x.dot"]))
    assert result.exit_code == 2
    assert (
        result.stderr.partition("Error: ")[2]
        .partition(" (Did you mean")[0]
        .partition(" Did you mean")[0]
        .strip()
        == text
    )
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    assert invoke("fabric", "cells", "--no-costs", "-o", tmp_path / "missing" / "x.dot").exit_code == 2
    assert invoke("fabric", "cells", "--no-costs", "-o", tmp_path / "x.txt").exit_code == 2


# --- the files in fabrics/


def test_the_readme_names_every_file_with_its_picture():
    assert sorted([*COMMANDS, "digits.dot", "vectors.dot"]) == FILES
    for name in FILES:
        picture = FABRICS / "pictures" / f"{Path(name).stem}.png"
        assert f"]({name})" in README
        assert f'src="pictures/{picture.name}"' in README
        assert picture.read_bytes()[:4] == b"\x89PNG"
        assert picture.stat().st_size < 300_000
    assert len(list((FABRICS / "pictures").iterdir())) == len(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_numbers_of_the_readme_are_true(name):
    (row,) = re.findall(
        rf"^\| \[{re.escape(Path(name).stem)}\]\({re.escape(name)}\) \|(.*)\|$", README, re.MULTILINE
    )
    shape, outputs, edges, searchable, macs, params = (cell.strip() for cell in row.split("|"))
    profile = profile_fabric(read_fabric(FABRICS / name))
    fabric = profile.fabric
    assert shape == "x".join(map(str, profile.node_shapes[fabric.source_indices[0]]))
    assert outputs == "x".join(map(str, profile.node_shapes[fabric.target_indices[0]]))
    assert (int(edges), int(searchable)) == (len(fabric.edges), len(fabric.searchable))
    assert (int(macs.replace(",", "")), int(params.replace(",", ""))) == (
        profile.macs.sum(),
        profile.params.sum(),
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_file_is_what_its_command_writes(name, tmp_path):
    assert invoke(*COMMANDS[name], "-o", tmp_path / name).exit_code == 0
    ours, written = read_fabric(FABRICS / name), read_fabric(tmp_path / name)
    assert ours == written
    assert [node.tensor for node in ours.nodes] == [node.tensor for node in written.nodes]
    assert [edge.computed for edge in ours.edges] == [edge.computed for edge in written.edges]
    assert all(edge.computed for edge in ours.edges)


@pytest.mark.parametrize("name", FILES)
def test_every_file_trains_for_one_step(name):
    net = compile_fabric(read_fabric(FABRICS / name), seed=0)
    fabric, shapes = net.fabric, net.profile.node_shapes
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH, *shapes[fabric.source_indices[0]], generator=generator)
    classes, *pixels = shapes[fabric.target_indices[0]]
    labels = torch.randint(max(classes, 2), (BATCH, *pixels), generator=generator)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    kept = sample(fabric, BATCH)
    scores = net(inputs, kept)
    assert scores.shape == (BATCH, classes, *pixels)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    loss = (
        functional.cross_entropy(scores, labels)
        if classes > 1
        else functional.mse_loss(scores[:, 0], labels.float())
    )
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss)
    live = live_edges(fabric.sweep, kept).any(axis=0)
    for name, weight in net.named_parameters():
        edge = int(name.split(".")[1])
        assert torch.isfinite(weight).all()
        if not live[edge]:
            assert torch.equal(weight, before[name])
    changed = {
        int(name.split(".")[1])
        for name, weight in net.named_parameters()
        if not torch.equal(weight, before[name])
    }
    weighted = {int(name.split(".")[1]) for name in before}
    # all but those behind a ReLU that is off
    assert len(changed) > 0.8 * len(weighted & set(np.flatnonzero(live)))
