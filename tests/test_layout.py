"""Layouts of images: they change where values lie, never what they are, and a run goes
on in them to the same bits.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import STRIPES_NORM, fabric_of, recipe, settings, stripes
from torch import Tensor, nn

from bsngraph.costs import Budgets
from bsngraph.data import Dataset, Split
from bsngraph.ops.modules.block_modules import SqueezeExcite
from bsngraph.ops.modules.image_modules import GlobalPool, Shortcut
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.training import Silent
from bsngraph.training.layout import laid_out, lay_out


def net_of(folder: Path, size: int) -> SuperNet:
    # 3x3 between several channels
    text = STRIPES_NORM.replace("1x4x4", f"1x{size}x{size}").replace("[key=mix, kernel=1,", "[key=mix,")
    return compile_fabric(fabric_of(text, folder), seed=0)


def large() -> Dataset:
    """The stripes with each pixel drawn four times as high and wide: 16x16."""

    def split(some: Split) -> Split:
        return Split(some.inputs.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3), some.labels)

    small = stripes()
    return replace(
        small, train=split(small.train), validation=split(small.validation), test=split(small.test)
    )


def is_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


@pytest.mark.parametrize("size", [16, 8])
def test_images_are_laid_out_with_the_channels_last(tmp_path: Path, size: int) -> None:
    net = net_of(tmp_path, size)
    lay_out(net)
    kernels = [weight for weight in net.parameters() if weight.dim() == 4 and min(weight.shape[1:]) > 1]
    assert [is_last(kernel) for kernel in kernels] == [True]
    assert is_last(laid_out(net, torch.zeros(2, 3, size, size)))


@pytest.mark.parametrize(
    ("projection", "last"),
    [
        ('channels=8, op="nn.Conv2d", out_channels=8, kernel_size=1, stride=2', False),
        ('channels=16, op="nn.Conv2d", out_channels=16, kernel_size=1, stride=2', True),
        ('channels=8, op="nn.Conv2d", out_channels=8, kernel_size=1', True),
        ("channels=8, channels=8, kernel=1, stride=2", True),  # thinned, so it has no stride
        ("channels=8, channels=8, kernel=3, stride=2", True),
    ],
)
def test_no_layout_is_taken_in_which_a_convolution_writes_past_its_memory(
    tmp_path: Path, projection: str, last: bool
) -> None:
    channels, projection = projection.split(", ", 1)
    text = f"""digraph f {{ graph [source=x, target=y]; x [input="1x16x16"]; edge [op=conv];
        x -> a [{channels}]; a -> b [{projection}]; b -> y [op=classifier, classes=2] }}"""
    net = compile_fabric(fabric_of(text, tmp_path), seed=0)
    assert is_last(laid_out(net, torch.zeros(2, 3, 16, 16))) == last


@pytest.mark.parametrize("channels", [1, 3])
def test_such_a_convolution_gets_the_plain_layout_however_a_batch_lies(tmp_path: Path, channels: int) -> None:
    text = f"""digraph f {{ graph [source=x, target=y]; x [input="{channels}x8x8"];
        x -> a [op=conv, channels=8]; a -> b [op="nn.Conv2d", out_channels=8, kernel_size=1, stride=2];
        b -> y [op=classifier, classes=2] }}"""
    net = compile_fabric(fabric_of(text, tmp_path), seed=0)
    augmented = torch.randn(4, 8, 8, channels).permute(0, 3, 1, 2)
    seen = []
    net.operations[1].register_forward_pre_hook(lambda _, given: seen.append(is_last(given[0])))
    net(augmented)
    net(laid_out(net, augmented))
    assert seen == [True, False]
    assert torch.equal(laid_out(net, augmented), augmented)


def test_values_and_gradients_are_those_of_the_plain_layout(tmp_path: Path) -> None:
    plain, last = net_of(tmp_path, 16).double(), net_of(tmp_path, 16).double()
    lay_out(last)
    inputs = torch.randn(12, 1, 16, 16, dtype=torch.float64)
    kept = np.random.default_rng(0).random((12, len(plain.fabric.edges))) < 0.7
    kept[:, ~np.isin(np.arange(kept.shape[1]), plain.fabric.searchable)] = True
    results = [net(laid_out(net, inputs) if net is last else inputs, kept) for net in (plain, last)]
    torch.testing.assert_close(results[1], results[0])
    for result in results:
        result.square().sum().backward()
    for one, other in zip(plain.parameters(), last.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad)


@pytest.mark.parametrize("module", [Shortcut(3, 2), GlobalPool("avg"), SqueezeExcite(5, 2)])
def test_operations_keep_the_layout_on_the_way_back_and_the_bits_of_evaluation(module: nn.Module) -> None:
    x = torch.randn(4, 5, 7, 7).to(memory_format=torch.channels_last).requires_grad_()
    result = module.train()(x)
    assert torch.equal(result, module.eval()(x))
    value = torch.relu(x)
    (gradient,) = torch.autograd.grad(module.train()(value).square().sum(), value)
    assert not gradient.is_contiguous()
    assert is_last(gradient * value)


def test_a_search_in_that_layout_goes_on_from_its_state_to_the_same_bits(tmp_path: Path) -> None:
    def learning() -> Learning:
        return Learning(net_of(tmp_path, 16), large(), Budgets(), (), recipe(epochs=2), settings(), 0)

    states = []
    whole, resumed = learning(), learning()

    def keep(_: object) -> None:
        file = io.BytesIO()
        torch.save(whole.state().to_checkpoint(), file)
        states.append(file.getvalue())

    whole.run(Silent(), keep)
    file = tmp_path / "checkpoint.pt"
    saved = torch.load(io.BytesIO(states[0]), weights_only=True)
    resumed.load(LearningState.from_checkpoint(saved, file), file)
    resumed.run(Silent(), lambda row: None)
    for one, other in zip(whole.net.state_dict().values(), resumed.net.state_dict().values(), strict=True):
        assert torch.equal(one, other)
        assert one.stride() == other.stride()
