"""`op="nn.Name"`: the table is torch's own signatures, and every class of it works as
an operation.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

from bsngraph.ops import OPERATIONS
from bsngraph.ops.building import build
from bsngraph.ops.counting.operation_profile import profile
from bsngraph.ops.torch_nn.torch_class import IMAGE, SEQUENCE, TORCH_CLASSES, VECTOR
from bsngraph.profile import profile_fabric

NEVER = {"self", "inplace", "device", "dtype", "args", "kwargs"}
SHAPES = {VECTOR: (12,), SEQUENCE: (4, 6), IMAGE: (4, 6, 8)}
VALUES = {
    "out_channels": 6,
    "out_features": 5,
    "kernel_size": 3,
    "num_groups": 2,
    "groups": 2,
    "output_size": 2,
    "padding": 1,
    "value": 0.5,
    "threshold": 0.1,
    "size": 3,
    "norm_type": 2.0,
    "upscale_factor": 2,
    "downscale_factor": 2,
    "dim": 1,
}
CALLS = [(name, rank) for name, row in TORCH_CLASSES.items() for rank in row.ranks]


def call(name: str, rank: int) -> tuple[str, dict, tuple[int, ...]]:
    """An operation with the arguments it must have, on an example it works on."""
    row = TORCH_CLASSES[name]
    arguments = {
        argument.name: VALUES[argument.name] for argument in row.arguments.values() if argument.required
    }
    if name.startswith("Upsampl"):
        arguments = {"scale_factor": 1.5}
    return f"nn.{name}", arguments, SHAPES[rank]


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_the_table_has_torch_s_arguments_and_defaults(name):
    row, theirs = TORCH_CLASSES[name], inspect.signature(getattr(nn, name)).parameters
    told = set(row.arguments) | set(row.fills) | row.left_out
    assert set(theirs) - NEVER <= told, "an argument of torch's that the table does not know"
    assert set(row.arguments) | set(row.fills) <= set(theirs), "an argument that torch does not know"
    assert not (row.left_out & set(row.arguments) | set(row.fills) & set(row.arguments))
    for argument in row.arguments.values():
        default = theirs[argument.name].default
        if default is None and argument.required:  # Softmax(dim=None) is deprecated
            continue
        assert argument.required == (default is inspect.Parameter.empty), argument.name
        assert argument.required or (
            argument.default == default and type(argument.default) is type(default)
        ), argument.name
    for name_left in row.left_out & set(theirs):
        assert theirs[name_left].default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", TORCH_CLASSES)
def test_whole_numbers_are_bounded(name):
    for argument in TORCH_CLASSES[name].arguments.values():
        if argument.kind is int:
            assert argument.bounds is not None
            with pytest.raises(ValueError, match="must lie between"):
                argument.convert(10**9)


@pytest.mark.parametrize(("name", "rank"), CALLS)
def test_every_class_works_as_an_operation(name, rank):
    op, arguments, shape = call(name, rank)
    found, module = profile(op, arguments, shape), build(op, arguments, shape)
    assert found.uncounted == ()
    assert found.params == sum(parameter.numel() for parameter in module.parameters())
    for training in (True, False):
        for rows in (1, 3):
            x = torch.randn(rows, *shape, requires_grad=True)
            y = module.train(training)(x)
            assert y.shape == (rows, *found.shape)
            assert torch.isfinite(y).all()
            y.sum().backward()
    module.eval()
    x = torch.randn(3, *shape)
    torch.testing.assert_close(module(x), torch.cat([module(row) for row in x.split(1)]))


@pytest.mark.parametrize(("name", "rank"), CALLS)
def test_a_class_is_torch_s_own(name, rank):
    op, arguments, shape = call(name, rank)
    assert isinstance(build(op, arguments, shape), getattr(nn, name))


@pytest.mark.parametrize(
    "name", ["BatchNorm1d", "BatchNorm2d", "InstanceNorm1d", "InstanceNorm2d", "GroupNorm"]
)
def test_norms_work_on_one_value_a_channel_and_else_are_torch_s(name):
    for rank in TORCH_CLASSES[name].ranks:
        op, arguments, shape = call(name, rank)
        one = (4, *[1] * (rank - 1))
        assert torch.isfinite(build(op, arguments, one).train()(torch.randn(1, *one))).all()
        x = torch.randn(3, *shape)
        theirs = getattr(nn, name)(*arguments.values(), shape[0])
        torch.testing.assert_close(build(op, arguments, shape).train()(x), theirs.train()(x))


@pytest.mark.parametrize(
    ("op", "arguments", "shape", "macs", "params", "outgoing"),
    [
        ("nn.Conv1d", {"out_channels": 6, "kernel_size": 3}, (4, 8), 6 * 6 * 4 * 3, 6 * 4 * 3 + 6, (6, 6)),
        (
            "nn.Conv2d",
            {"out_channels": 6, "kernel_size": 3, "groups": 2, "padding": 1},
            (4, 5, 5),
            25 * 6 * 2 * 9,
            6 * 2 * 9 + 6,
            (6, 5, 5),
        ),
        (
            "nn.ConvTranspose2d",
            {"out_channels": 6, "kernel_size": 2, "stride": 2},
            (4, 5, 5),
            25 * 24 * 4,
            24 * 4 + 6,
            (6, 10, 10),
        ),
        ("nn.Linear", {"out_features": 3, "bias": False}, (7, 4), 84, 12, (7, 3)),
        ("nn.BatchNorm2d", {}, (4, 5, 5), 0, 8, (4, 5, 5)),
        ("nn.LayerNorm", {}, (7, 4), 0, 8, (7, 4)),
        ("nn.LayerNorm", {}, (2, 3, 4), 0, 48, (2, 3, 4)),
        ("nn.MaxPool2d", {"kernel_size": 2}, (4, 6, 6), 0, 0, (4, 3, 3)),
        ("nn.Flatten", {}, (4, 6, 6), 0, 0, (144,)),
        ("nn.Flatten", {"start_dim": 2}, (4, 6, 6), 0, 0, (4, 36)),
        ("nn.PixelShuffle", {"upscale_factor": 2}, (4, 3, 3), 0, 0, (1, 6, 6)),
        ("nn.Unfold", {"kernel_size": 2, "stride": 2}, (3, 4, 4), 0, 0, (12, 4)),
    ],
)
def test_costs_and_sizes_against_formulas(op, arguments, shape, macs, params, outgoing):
    found = profile(op, arguments, shape)
    assert (found.macs, found.params, found.shape) == (macs, params, outgoing)


@pytest.mark.parametrize(
    ("op", "arguments", "shape", "text"),
    [
        (
            "nn.Conv2d",
            {"out_channels": 2, "kernel_size": 3},
            (4, 8),
            "needs an image (channels, height, width), but gets 4x8",
        ),
        (
            "nn.BatchNorm1d",
            {},
            (4, 8, 8),
            "needs a vector (features) or a sequence (channels, length), but gets 4x8x8",
        ),
        ("nn.Softmax", {"dim": 0}, (4, 8), "dim=0 must be one of 1 to 2, or -1 to -2: the batch is 0"),
        (
            "nn.Flatten",
            {"start_dim": -3},
            (4, 8),
            "start_dim=-3 must be one of 1 to 2, or -1 to -2: the batch is 0",
        ),
        ("nn.GLU", {"dim": 3}, (4, 8), "dim=3 must be one of 1 to 2, or -1 to -2: the batch is 0"),
        (
            "nn.Conv2d",
            {"out_channels": 3, "kernel_size": 3, "groups": 2},
            (4, 8, 8),
            "out_channels must be divisible by groups",
        ),
    ],
)
def test_what_does_not_fit_is_told(op, arguments, shape, text):
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        profile(op, arguments, shape)


@pytest.mark.parametrize(
    ("op", "arguments", "shape"),
    [
        ("nn.Conv2d", {"out_channels": 2, "kernel_size": 9}, (4, 8, 8)),
        ("nn.MaxPool2d", {"kernel_size": 3, "padding": 2}, (4, 8, 8)),
        ("nn.PReLU", {"num_parameters": 3}, (4, 8, 8)),
        ("nn.PixelShuffle", {"upscale_factor": 3}, (4, 8, 8)),
        ("nn.Upsample", {}, (4, 8, 8)),
        ("nn.Upsample", {"size": 65536, "scale_factor": 2.0}, (4, 8, 8)),
    ],
)
def test_whatever_torch_refuses_is_a_clear_problem(op, arguments, shape):
    with pytest.raises(ValueError, match=r"^cannot run on an input of [\dx]+ \(.+\)$"):
        profile(op, arguments, shape)


def test_a_fabric_of_torch_classes_reads_and_has_costs(tmp_path):
    from bsngraph import read_fabric

    path = tmp_path / "torch.dot"
    path.write_text(
        'digraph { graph [source=x, target=y]; x [input="3x8x8"]; edge [op="nn.Conv2d", kernel_size=3, '
        "padding=1];"
        'x -> a [out_channels=4]; a -> b [op="nn.BatchNorm2d"]; b -> c [op="nn.AdaptiveAvgPool2d", '
        "output_size=1];"
        'c -> d [op="nn.Flatten"]; d -> y [op="nn.Linear", out_features=10] }'
    )
    found = profile_fabric(read_fabric(path))
    assert found.node_shapes == ((3, 8, 8), (4, 8, 8), (4, 8, 8), (4, 1, 1), (4,), (10,))
    assert found.macs.tolist() == [64 * 4 * 3 * 9, 0, 0, 0, 40]


def test_the_table_is_there_without_torch():
    code = (
        "import sys, bsngraph.ops as ops; assert 'nn.Conv2d' in ops.OPERATIONS; assert 'torch' not in "
        "sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {name for name in OPERATIONS if name.startswith("nn.")} == {f"nn.{name}" for name in TORCH_CLASSES}
