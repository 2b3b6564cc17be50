"""What blocks, mobile blocks, upsampling and transformer parts cost and compute,
against formulas written by hand.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_operations import (
    NORMED,
    activations,
    calls,
    channel_counts,
    halved,
    images,
    kernels,
    norms,
    sizes,
    strides,
)
from torch import nn

from bsngraph.ops.building import build
from bsngraph.ops.counting.operation_profile import profile
from bsngraph.ops.modules.image_modules import GroupNorm, norm_layer

token_shapes = st.tuples(sizes, st.sampled_from((4, 8, 12)))


@given(calls())
def test_gradients_reach_every_weight_and_the_input(call):
    name, arguments, shape = call
    module = build(name, arguments, shape).train()
    x = torch.randn(2, *shape, requires_grad=True)
    (module(x) * torch.randn(())).sum().backward()
    assert x.grad is not None
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


@given(calls())
def test_evaluation_is_deterministic_and_leaves_the_input_alone(call):
    name, arguments, shape = call
    module = build(name, arguments, shape).eval()
    x = torch.randn(2, *shape)
    before = x.clone()
    assert torch.equal(module(x), module(x))
    module.train()(x)
    assert torch.equal(x, before)


@settings(max_examples=200)
@given(calls())
def test_nothing_of_ours_goes_uncounted(call):
    assert profile(*call).uncounted == ()


@given(images(), channel_counts, strides, norms)
def test_macs_and_params_of_a_projection(shape, channels, stride, norm):
    found = profile("projection", {"channels": channels, "stride": stride, "norm": norm}, shape)
    assert found.macs == shape[0] * channels * halved(shape[1], stride) * halved(shape[2], stride)
    assert found.params == shape[0] * channels + NORMED[norm] * channels


@given(images(), kernels, strides, norms)
def test_macs_and_params_of_a_depthwise_conv(shape, kernel, stride, norm):
    found = profile("depthwise_conv", {"kernel": kernel, "stride": stride, "norm": norm}, shape)
    assert found.macs == shape[0] * kernel**2 * halved(shape[1], stride) * halved(shape[2], stride)
    assert found.params == shape[0] * (kernel**2 + NORMED[norm])


@given(images(), st.integers(0, 9), strides, st.integers(1, 4), st.booleans())
def test_macs_and_params_of_a_bottleneck_block(shape, extra, stride, reduction, residual):
    channels = shape[0] + extra
    inner = max(1, channels // reduction)
    found = profile(
        "bottleneck_block",
        {"channels": channels, "stride": stride, "reduction": reduction, "residual": residual},
        shape,
    )
    fine, coarse = shape[1] * shape[2], halved(shape[1], stride) * halved(shape[2], stride)
    assert found.macs == shape[0] * inner * fine + (9 * inner * inner + inner * channels) * coarse
    assert found.params == shape[0] * inner + 9 * inner * inner + inner * channels + 4 * inner + 2 * channels


@given(images(), channel_counts, kernels, strides, st.integers(1, 6), st.booleans())
def test_macs_and_params_of_an_mbconv(shape, channels, kernel, stride, expansion, squeeze):
    arguments = {
        "channels": channels,
        "kernel": kernel,
        "stride": stride,
        "expansion": expansion,
        "squeeze_excite": squeeze,
    }
    found = profile("mbconv", arguments, shape)
    incoming, wide = shape[0], shape[0] * expansion
    fine, coarse = shape[1] * shape[2], halved(shape[1], stride) * halved(shape[2], stride)
    expand = incoming * wide if expansion > 1 else 0
    inner = max(1, incoming // 4)
    excite = 2 * wide * inner if squeeze else 0
    assert found.macs == expand * fine + (kernel**2 * wide + wide * channels) * coarse + excite
    norm = (2 * wide if expansion > 1 else 0) + 2 * wide + 2 * channels
    assert found.params == expand + kernel**2 * wide + wide * channels + norm + (
        excite + inner + wide if squeeze else 0
    )


def test_an_mbconv_adds_its_input_where_shapes_agree_and_only_there():
    x = torch.randn(2, 4, 5, 5)
    for arguments, adds in (
        ({"channels": 4}, True),
        ({"channels": 4, "residual": False}, False),
        ({"channels": 6}, False),
    ):
        block = build("mbconv", arguments, (4, 5, 5)).eval()
        torch.testing.assert_close(block(x), block.layers(x) + (x if adds else 0))
    assert not build("mbconv", {"channels": 4, "stride": 2}, (4, 5, 5)).residual


def test_a_bottleneck_block_adds_its_shortcut():
    shape = (3, 5, 4)
    block = build("bottleneck_block", {"channels": 8, "stride": 2}, shape).eval()
    alone = build("bottleneck_block", {"channels": 8, "stride": 2, "residual": False}, shape).eval()
    alone.load_state_dict(block.state_dict())
    x = torch.randn(2, *shape)
    torch.testing.assert_close(block(x), alone(x) + build("shortcut", {"channels": 8, "stride": 2}, shape)(x))


@given(images(), channel_counts, st.integers(1, 6), strides, norms)
def test_a_transposed_conv_gives_exactly_stride_times_the_size(shape, channels, kernel, stride, norm):
    if stride == 1 and kernel % 2 == 0:
        kernel += 1
    found = profile(
        "transposed_conv", {"channels": channels, "kernel": kernel, "stride": stride, "norm": norm}, shape
    )
    assert found.shape == (channels, stride * shape[1], stride * shape[2])
    assert found.macs == shape[0] * channels * kernel**2 * shape[1] * shape[2]
    assert found.params == shape[0] * channels * kernel**2 + NORMED[norm] * channels


@given(images(), channel_counts, kernels, strides, sizes, sizes)
def test_an_upsample_conv_is_a_conv_on_the_enlarged_image(shape, channels, kernel, factor, height, width):
    conv = {"channels": channels, "kernel": kernel}
    for up, size in (
        ({"factor": factor}, (factor * shape[1], factor * shape[2])),
        ({"height": height, "width": width}, (height, width)),
    ):
        one, other = profile("upsample_conv", {**conv, **up}, shape), profile("conv", conv, (shape[0], *size))
        assert (one.shape, one.macs, one.params, one.bytes) == (
            other.shape,
            other.macs,
            other.params,
            other.bytes,
        )


@given(images(), channel_counts, sizes, sizes)
def test_a_segmentation_head_scores_every_pixel(shape, classes, height, width):
    small, large = (
        profile("segmentation_head", {"classes": classes}, shape),
        {"classes": classes, "height": height, "width": width},
    )
    assert small.shape == (classes, *shape[1:])
    assert profile("segmentation_head", large, shape).shape == (classes, height, width)
    assert (
        profile("segmentation_head", large, shape).macs
        == small.macs
        == shape[0] * classes * shape[1] * shape[2]
    )
    assert small.params == (shape[0] + 1) * classes


@given(token_shapes, st.sampled_from((1, 2, 4)), st.booleans(), st.sampled_from(("layer", "none")))
def test_macs_and_params_of_attention(shape, heads, residual, norm):
    length, width = shape
    found = profile("attention", {"heads": heads, "residual": residual, "norm": norm}, shape)
    assert found.shape == shape
    assert found.macs == 4 * length * width**2 + 2 * length**2 * width  # however many heads
    assert found.params == 4 * width**2 + 4 * width + (2 * width if norm == "layer" else 0)


@given(token_shapes, st.integers(1, 4), activations, st.booleans())
def test_macs_and_params_of_an_mlp_and_a_token_linear(shape, expansion, activation, residual):
    length, width = shape
    found = profile("mlp", {"expansion": expansion, "activation": activation, "residual": residual}, shape)
    assert (found.shape, found.macs) == (shape, 2 * expansion * length * width**2)
    assert found.params == 2 * expansion * width**2 + (expansion + 1) * width + 2 * width
    linear = profile("token_linear", {"features": 5}, shape)
    assert (linear.shape, linear.macs, linear.params) == ((length, 5), 5 * length * width, 5 * (width + 1))


@given(images(), channel_counts, strides, st.booleans())
def test_macs_and_params_of_patches(shape, features, size, positions):
    found = profile("patches", {"features": features, "size": size, "positions": positions}, shape)
    tokens = halved(shape[1], size) * halved(shape[2], size)
    assert found.shape == (tokens, features)
    assert found.macs == tokens * features * shape[0] * size**2
    assert found.params == features * (shape[0] * size**2 + 1) + (tokens * features if positions else 0)


def test_patches_go_row_by_row():
    cut = build("patches", {"features": 1, "size": 2, "positions": False}, (1, 3, 4))
    nn.init.ones_(cut.projection.weight)
    nn.init.zeros_(cut.projection.bias)
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert cut(x).flatten().tolist() == [0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9, 10 + 11]


def test_attention_is_that_of_torch():
    ours = build("attention", {"heads": 2, "norm": "none"}, (5, 8))[0].eval()
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.incoming.weight)
        theirs.in_proj_bias.copy_(ours.incoming.bias)
        theirs.out_proj.weight.copy_(ours.outgoing.weight)
        theirs.out_proj.bias.copy_(ours.outgoing.bias)
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0])


def test_a_residual_transformer_part_adds_its_input():
    x = torch.randn(2, 5, 8)
    for name in ("attention", "mlp"):
        whole = build(name, {"residual": True}, (5, 8)).eval()
        torch.testing.assert_close(whole(x), x + whole.inner(x))


def test_global_pools_and_the_classifier_look_at_every_pixel_or_token():
    images, tokens = torch.randn(2, 3, 4, 5), torch.randn(2, 4, 3)
    assert torch.equal(build("global_pool", {"kind": "max"}, (3, 4, 5))(images), images.amax(dim=(2, 3)))
    assert torch.equal(build("global_pool", {}, (4, 3))(tokens), tokens.mean(dim=1))
    head = build("classifier", {"classes": 2}, (4, 3))
    torch.testing.assert_close(head(tokens), head.linear(tokens.mean(dim=1)))
    assert profile("classifier", {"classes": 2}, (4, 3)).macs == 6


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 4), (64, 16), (128, 32), (512, 32), (10, 2)]
)
def test_group_norm_has_at_most_32_groups_of_at_least_4_channels(channels, groups):
    assert norm_layer("group", channels).num_groups == groups
    assert norm_layer("layer", channels).num_groups == 1
    assert norm_layer("instance", channels).num_groups == channels


def test_group_norm_of_more_values_is_that_of_torch_and_of_one_is_its_shift():
    ours, theirs, x = GroupNorm(2, 4), nn.GroupNorm(2, 4), torch.randn(3, 4, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    one = GroupNorm(3, 3)
    nn.init.constant_(one.bias, 0.5)
    torch.testing.assert_close(one(torch.randn(1, 3, 1, 1)), torch.full((1, 3, 1, 1), 0.5), atol=1e-3, rtol=0)


def test_a_fraction_of_the_macs_is_what_a_separable_conv_costs():
    shape, arguments = (64, 8, 8), {"channels": 64}
    ratio = profile("separable_conv", arguments, shape).macs / profile("conv", arguments, shape).macs
    assert math.isclose(ratio, 1 / 64 + 1 / 9)
