"""Operations: shapes, MACs and parameters against formulas written by hand, signatures,
and BatchNorm of one value.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, Optional

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bsngraph.ops import OPERATIONS, Argument, operation
from bsngraph.ops.building import build
from bsngraph.ops.counting.operation_profile import profile
from bsngraph.ops.modules.image_modules import ACTIVATION_LAYERS, BatchNorm2d, Shortcut
from bsngraph.ops.signature import Bounds, Fraction, OddSize, Size, read_signature, to_type

sizes = st.integers(1, 13)
channel_counts = st.integers(1, 6)
strides = st.integers(1, 4)
kernels = st.sampled_from((1, 3, 5, 7))
norms = st.sampled_from(("batch", "group", "layer", "instance", "none"))
# parameters a channel after a convolution
NORMED = {"batch": 2, "group": 2, "layer": 2, "instance": 2, "none": 1}
OURS = {name for name, entry in OPERATIONS.items() if not entry.origin and not name.startswith("nn.")}
activations = st.sampled_from(tuple(name for name in ACTIVATION_LAYERS if name != "relu6"))


@st.composite
def images(draw) -> tuple[int, int, int]:
    return draw(channel_counts), draw(sizes), draw(sizes)


@st.composite
def sequences(draw) -> tuple[int, int]:
    return draw(sizes), draw(st.sampled_from((2, 4, 6)))


vectors = channel_counts.map(lambda size: (size,))

# What each operation works on, where that is not an image.
SHAPES = {
    **dict.fromkeys(
        ("identity", "dropout", "flatten", "linear", "classifier"), st.one_of(images(), sequences(), vectors)
    ),
    **dict.fromkeys(("positions", "attention", "token_linear"), sequences()),
    **dict.fromkeys(("layer_norm", "mlp"), st.one_of(sequences(), vectors)),
    "global_pool": st.one_of(images(), sequences()),
}
# What each argument may be; those that are not here are drawn from their choices, or
# are Booleans.
VALUES = {
    **dict.fromkeys(("channels", "features", "classes"), channel_counts),
    **dict.fromkeys(("stride", "factor", "size", "expansion", "reduction"), strides),
    **dict.fromkeys(("height", "width"), sizes),
    **dict.fromkeys(("rate", "dropout"), st.sampled_from((0.0, 0.5, 1.0))),
    "kernel": kernels,
    "window": st.sampled_from((1, 3, 5)),
    "dilation": st.integers(1, 3),
    "groups": st.just(1),
    "heads": st.sampled_from((1, 2)),
}


@st.composite
def calls(draw, names=frozenset(OURS)) -> tuple[str, dict, tuple[int, ...]]:
    """An operation of the table, arguments it takes, a shape it works on."""
    name = draw(st.sampled_from(sorted(names)))
    shape = draw(SHAPES.get(name, images()))
    arguments = {}
    for argument in OPERATIONS[name].arguments.values():
        if argument.required or draw(st.booleans()):
            arguments[argument.name] = draw(
                VALUES.get(argument.name, st.sampled_from(argument.choices or (True, False)))
            )
    if not {"height", "width"} <= set(arguments):
        arguments = {name: value for name, value in arguments.items() if name not in ("height", "width")}
    if (
        name in ("shortcut", "basic_block", "bottleneck_block", "max_pool", "avg_pool")
        and "channels" in arguments
    ):
        arguments["channels"] += shape[0]
    if "window" in OPERATIONS[name].arguments and "window" not in arguments:
        arguments["window"] = arguments.get("stride", 2)
    if name == "transposed_conv" and "kernel" not in arguments and arguments.get("stride") == 1:
        arguments["kernel"] = 3
    if name == "attention":
        arguments.setdefault("heads", 2)
    return name, arguments, shape


def halved(size: int, stride: int) -> int:
    return math.ceil(size / stride)


# --- profiles


@settings(max_examples=120)
@given(calls())
def test_the_profile_on_the_meta_device_equals_a_real_run(call):
    name, arguments, shape = call
    module = build(name, arguments, shape)
    found = profile(name, arguments, shape)
    for module_in_mode in (module.eval(), module.train()):
        assert tuple(module_in_mode(torch.randn(2, *shape)).shape) == (2, *found.shape)
    assert found.params == sum(parameter.numel() for parameter in module.parameters())
    assert all(parameter.device.type == "cpu" for parameter in module.parameters())


@given(calls())
def test_operations_give_finite_values_and_one_example_is_independent_of_the_others(call):
    name, arguments, shape = call
    module = build(name, arguments, shape).eval()
    batch = torch.randn(3, *shape)
    with torch.no_grad():
        whole = module(batch)
        alone = torch.cat([module(batch[i : i + 1]) for i in range(3)])
    assert torch.isfinite(whole).all()
    torch.testing.assert_close(whole, alone)


STRIDED = sorted(
    name for name in OURS if "stride" in OPERATIONS[name].arguments and name != "transposed_conv"
)


@given(st.sampled_from(STRIDED), images(), strides, st.data())
def test_every_operation_with_a_stride_gives_images_of_ceil_of_size_over_stride(name, shape, stride, data):
    arguments = {"stride": stride}
    if "channels" in OPERATIONS[name].arguments:
        arguments["channels"] = shape[0] + 1
    if "kernel" in OPERATIONS[name].arguments:
        arguments["kernel"] = data.draw(kernels)
    if "dilation" in OPERATIONS[name].arguments:
        arguments["dilation"] = data.draw(st.integers(1, 3))
    if "window" in OPERATIONS[name].arguments:
        arguments["window"] = data.draw(st.sampled_from((1, 3, 5, 7, stride)))
    assert profile(name, arguments, shape).shape == (
        arguments.get("channels", shape[0]),
        halved(shape[1], stride),
        halved(shape[2], stride),
    )


@given(images(), channel_counts, kernels, strides, norms, st.integers(1, 3), st.integers(1, 3))
def test_macs_and_params_of_a_conv_are_those_of_the_formula(
    shape, channels, kernel, stride, norm, groups, dilation
):
    incoming, outgoing = shape[0] * groups, channels * groups
    arguments = {
        "channels": outgoing,
        "kernel": kernel,
        "stride": stride,
        "norm": norm,
        "groups": groups,
        "dilation": dilation,
    }
    found = profile("conv", arguments, (incoming, *shape[1:]))
    weights = outgoing * (incoming // groups) * kernel * kernel
    assert found.macs == weights * halved(shape[1], stride) * halved(shape[2], stride)
    assert found.params == weights + NORMED[norm] * outgoing


@given(images(), channel_counts, kernels, strides, norms)
def test_macs_and_params_of_a_separable_conv_are_those_of_the_formula(shape, channels, kernel, stride, norm):
    found = profile(
        "separable_conv", {"channels": channels, "kernel": kernel, "stride": stride, "norm": norm}, shape
    )
    weights = shape[0] * kernel * kernel + shape[0] * channels
    assert found.macs == weights * halved(shape[1], stride) * halved(shape[2], stride)
    assert found.params == weights + (shape[0] + channels) * NORMED[norm]


@given(images(), st.integers(0, 3), strides, st.booleans())
def test_macs_and_params_of_a_basic_block_are_those_of_the_formula(shape, extra, stride, residual):
    channels = shape[0] + extra
    found = profile("basic_block", {"channels": channels, "stride": stride, "residual": residual}, shape)
    weights = 9 * shape[0] * channels + 9 * channels * channels
    assert found.macs == weights * halved(shape[1], stride) * halved(shape[2], stride)
    assert found.params == weights + 4 * channels


@given(images(), channel_counts, st.booleans())
def test_macs_and_params_of_linear_and_classifier_are_those_of_the_formula(shape, outgoing, image):
    shape = shape if image else shape[:1]
    linear, classifier = (
        profile("linear", {"features": outgoing}, shape),
        profile("classifier", {"classes": outgoing}, shape),
    )
    assert (linear.macs, linear.params) == (math.prod(shape) * outgoing, (math.prod(shape) + 1) * outgoing)
    assert (classifier.macs, classifier.params) == (shape[0] * outgoing, (shape[0] + 1) * outgoing)
    assert linear.shape == classifier.shape == (outgoing,)


@given(
    calls().filter(
        lambda call: (
            call[0]
            in (
                "identity",
                "shortcut",
                "max_pool",
                "avg_pool",
                "upsample",
                "dropout",
                "flatten",
                "global_pool",
            )
        )
    )
)
def test_what_has_no_weights_has_no_macs(call):
    found = profile(*call)
    assert (found.macs, found.params) == (0, 0)


def test_a_profile_allocates_nothing():
    found = profile("linear", {"features": 65_536}, (65_536,))  # 16 GiB of weights, were it real
    assert found.macs == 65_536**2


# --- what operations do


def test_a_shortcut_is_option_a():
    x = torch.arange(2 * 3 * 5 * 4, dtype=torch.float32).reshape(2, 3, 5, 4)
    for stride in (1, 2, 3):
        y = build("shortcut", {"channels": 5, "stride": stride}, (3, 5, 4))(x)
        assert torch.equal(y[:, :3], x[:, :, ::stride, ::stride])
        assert y.shape[1] == 5
        assert not y[:, 3:].any()
    assert Shortcut(0, 1)(x) is x


def test_a_basic_block_adds_its_shortcut():
    shape = (3, 5, 4)
    block = build("basic_block", {"channels": 4, "stride": 2}, shape).eval()
    alone = build("basic_block", {"channels": 4, "stride": 2, "residual": False}, shape).eval()
    alone.load_state_dict(block.state_dict())
    x = torch.randn(2, *shape)
    torch.testing.assert_close(block(x), alone(x) + build("shortcut", {"channels": 4, "stride": 2}, shape)(x))


@given(images(), strides, st.data())
def test_the_mean_over_any_window_of_ones_is_one_and_further_channels_are_zero(shape, stride, data):
    window = data.draw(st.sampled_from((1, 3, 5, stride)))
    for name in ("avg_pool", "max_pool"):
        y = build(name, {"window": window, "stride": stride, "channels": shape[0] + 2}, shape)(
            torch.ones(1, *shape)
        )
        assert (y[:, : shape[0]] == 1).all()
        assert not y[:, shape[0] :].any()


def test_dropout_at_rate_one_drops_everything_in_training_and_nothing_else():
    dropout = build("dropout", {"rate": 1.0}, (4,))
    assert not dropout.train()(torch.ones(2, 4)).any()
    assert dropout.eval()(torch.ones(2, 4)).all()


def test_upsampling_is_by_a_factor_or_to_a_size():
    assert profile("upsample", {}, (3, 4, 5)).shape == (3, 8, 10)
    assert profile("upsample", {"factor": 3}, (3, 4, 5)).shape == (3, 12, 15)
    assert profile("upsample", {"height": 7, "width": 9, "mode": "bilinear"}, (3, 4, 5)).shape == (3, 7, 9)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "text"),
    [
        ("conv", {"channels": 4}, (4,), "needs an image (channels, height, width), but gets 4"),
        (
            "conv",
            {"channels": 4, "groups": 3},
            (6, 2, 2),
            "groups=3 must divide both the 6 incoming and the 4 outgoing channels",
        ),
        (
            "conv",
            {"channels": 6, "groups": 3},
            (4, 2, 2),
            "groups=3 must divide both the 4 incoming and the 6 outgoing channels",
        ),
        ("shortcut", {"channels": 2}, (4, 2, 2), "cannot drop channels (4 to 2): use op=projection for that"),
        (
            "max_pool",
            {"channels": 2},
            (4, 2, 2),
            "pooling cannot drop channels (4 to 2): leave channels out, or use a conv",
        ),
        ("avg_pool", {}, (4,), "needs an image (channels, height, width), but gets 4"),
        (
            "avg_pool",
            {"window": 4, "stride": 2},
            (4, 8, 8),
            "a window of 4 at stride 2 cannot be centred: take an odd window, or one equal to the stride",
        ),
        (
            "basic_block",
            {"channels": 2},
            (4, 2, 2),
            "its shortcut cannot drop channels (4 to 2): set residual=false or channels of at least 4",
        ),
        (
            "upsample",
            {"height": 4},
            (4, 2, 2),
            "height and width go together: give both, or neither and a factor",
        ),
        (
            "classifier",
            {"classes": 4},
            (4, 2, 2, 2),
            "needs an image, a sequence or a vector, but gets 4x2x2x2",
        ),
        ("global_pool", {}, (4,), "needs an image or a sequence, but gets 4"),
        ("attention", {}, (4, 2, 2), "needs a sequence (length, features), but gets 4x2x2"),
        ("attention", {"heads": 3}, (4, 8), "heads=3 must divide the 8 features"),
        ("mlp", {}, (4, 2, 2), "needs a sequence (length, features) or a vector, but gets 4x2x2"),
        (
            "patches",
            {"features": 4, "size": 2},
            (4, 2),
            "needs an image (channels, height, width), but gets 4x2",
        ),
        (
            "transposed_conv",
            {"channels": 2, "stride": 1},
            (4, 2, 2),
            "a kernel of 4 at stride 1 cannot be centred: take an odd kernel",
        ),
        (
            "segmentation_head",
            {"classes": 2, "height": 4},
            (4, 2, 2),
            "height and width go together: give both, or neither and a factor",
        ),
        (
            "bottleneck_block",
            {"channels": 2},
            (4, 2, 2),
            "its shortcut cannot drop channels (4 to 2): set residual=false or channels of at least 4",
        ),
    ],
)
def test_a_shape_or_argument_that_does_not_fit_is_told_with_the_cure(name, arguments, shape, text):
    for call in (profile, build):
        with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
            call(name, arguments, shape)


# --- BatchNorm of one value


def test_batch_norm_of_one_value_a_channel_uses_its_running_statistics_and_leaves_them():
    norm = BatchNorm2d(3)
    norm.train()(torch.randn(8, 3, 4, 4) * 2 + 1)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    x = torch.randn(1, 3, 1, 1)
    trained = norm.train()(x)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    assert torch.equal(trained, norm.eval()(x))


def test_batch_norm_of_more_values_is_that_of_torch():
    ours, theirs = BatchNorm2d(3).train(), nn.BatchNorm2d(3).train()
    for shape in ((1, 3, 1, 2), (2, 3, 1, 1), (4, 3, 5, 5)):
        x = torch.randn(shape)
        assert torch.equal(ours(x), theirs(x))
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_batch_norm_of_one_value_passes_gradients_on():
    norm = BatchNorm2d(3).train()
    x = torch.randn(1, 3, 1, 1, requires_grad=True)
    norm(x).sum().backward()
    assert x.grad is not None
    assert norm.weight.grad is not None


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "instance"])
@pytest.mark.parametrize(
    "name", sorted(name for name in OURS - {"attention", "mlp"} if "norm" in OPERATIONS[name].arguments)
)
def test_every_operation_with_a_norm_trains_on_one_value_a_channel(name, norm):
    arguments = {"channels": 4} if "channels" in OPERATIONS[name].arguments else {}
    module = build(name, {**arguments, "norm": norm}, (4, 1, 1)).train()
    y = module(torch.randn(1, 4, 1, 1))
    assert torch.isfinite(y).all()
    y.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


# --- signatures


def test_the_signature_of_an_operation_is_that_of_its_builder():
    conv = OPERATIONS["conv"]
    assert [str(argument) for argument in conv.arguments.values()] == [
        "channels: int",
        "kernel: int = 3",
        "stride: int = 1",
        "dilation: int = 1",
        "groups: int = 1",
        "norm: batch|group|layer|instance|none = batch",
        "activation: none|relu|gelu|silu|hardswish|tanh|sigmoid = none",
    ]
    assert conv.arguments["channels"].required
    assert not conv.arguments["kernel"].required
    assert conv.summary == "Convolution, then norm, then activation; kernel=1 is a projection."
    assert all(entry.summary and entry.when and entry.sizes for entry in OPERATIONS.values())
    assert all(argument.help for name in OURS for argument in OPERATIONS[name].arguments.values())


def test_an_argument_that_may_be_none_has_the_type_it_has_when_given():
    for hint in (Size | None, Optional[Size], None | Size):  # noqa: UP045

        def builder(shape, *, width=None):
            return nn.Identity()

        builder.__annotations__["width"] = hint
        argument = read_signature("test", builder).arguments["width"]
        assert (argument.kind, argument.default, argument.required) == (int, None, False)
        assert argument.convert("4") == 4
        with pytest.raises(ValueError, match="must lie between 1 and 65536"):
            argument.convert("0")


def test_annotations_that_are_text_are_read_too():
    def builder(shape: tuple[int, ...], *, width: Size, kind: Literal["a", "b"] = "a", rate: Fraction = 0.5):
        """Summary line.

        More.
        """

    entry = read_signature("test", builder)
    assert [str(argument) for argument in entry.arguments.values()] == [
        "width: int",
        "kind: a|b = a",
        "rate: float = 0.5",
    ]
    assert entry.summary == "Summary line."


def test_a_parameter_that_is_not_keyword_only_is_refused():
    def positional(shape, width: int):
        """."""

    def starred(shape, *widths: int):
        """."""

    def starred_words(shape, **widths: int):
        """."""

    for builder, name in ((positional, "width"), (starred, "widths"), (starred_words, "widths")):
        with pytest.raises(TypeError) as caught:
            read_signature("scale", builder)
        assert (
            str(caught.value)
            == f"operation 'scale': parameter {name!r} must be keyword-only (put a * before it)"
        )


def test_a_builder_without_a_shape_is_refused():
    def nothing():
        """."""

    def words_only(*, width: int):
        """."""

    for builder in (nothing, words_only):
        with pytest.raises(TypeError) as caught:
            read_signature("scale", builder)
        assert (
            str(caught.value)
            == "operation 'scale': its builder must take the incoming shape as its first parameter"
        )


@pytest.mark.parametrize("hint", [list, list[int], Literal[1, 2], dict, None, object, int | str])
def test_an_argument_of_another_type_is_refused(hint):
    def builder(shape, *, width):
        """."""

    if hint is not None:
        builder.__annotations__["width"] = hint
    with pytest.raises(
        TypeError,
        match=r"operation 'scale': argument 'width' must be annotated bool, int, float, str or Literal of "
        r"strings",
    ):
        read_signature("scale", builder)


def test_a_user_may_add_an_operation_once():
    def scale(shape, *, factor: Annotated[float, Bounds(0, 10)] = 2.0):
        """Multiply by a constant."""
        return nn.Linear(shape[0], shape[0])

    try:
        assert operation("test_scale")(scale) is scale
        assert str(OPERATIONS["test_scale"].arguments["factor"]) == "factor: float = 2.0"
        assert profile("test_scale", {"factor": 2.0}, (3,)).macs == 9
        with pytest.raises(ValueError, match="exists already") as caught:
            operation("test_scale")(lambda shape: nn.Identity())
        assert (
            str(caught.value)
            == f"operation 'test_scale' exists already in {__name__}: give yours another name"
        )
    finally:
        OPERATIONS.pop("test_scale", None)


@pytest.mark.parametrize("word", ["op", "fixed", "probability", "key", "concat_offset"])
def test_an_argument_may_not_bear_a_word_of_edges(word):
    namespace: dict = {}
    exec(f"def builder(shape, *, {word}: int = 1):\n    'Test.'", namespace)
    with pytest.raises(ValueError, match="means something else on an edge") as caught:
        operation("test_clash")(namespace["builder"])
    assert (
        str(caught.value)
        == f"operation 'test_clash': {word} cannot be an argument, it means something else on an edge"
    )
    assert "test_clash" not in OPERATIONS


# --- values


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("3", int, 3),
        (" 3 ", int, 3),
        ("-3", int, -3),
        (3, int, 3),
        (3.0, int, 3),
        ("0.5", float, 0.5),
        ("1e-3", float, 0.001),
        (2, float, 2.0),
        ("true", bool, True),
        ("Yes", bool, True),
        ("0", bool, False),
        (1, bool, True),
        (False, bool, False),
        (3, str, "3"),
        ("x", str, "x"),
    ],
)
def test_text_and_typed_values_become_the_argument_s_type(value, kind, result):
    converted = to_type(value, kind)
    assert converted == result
    assert type(converted) is kind


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("x", int, "must be a whole number"),
        ("", int, "must be a whole number"),
        ("3.0", int, "must be a whole number"),
        (3.5, int, "must be a whole number"),
        (True, int, "must be a whole number"),
        (float("inf"), int, "must be a whole number"),
        ([3], int, "must be a whole number"),
        (None, int, "must be a whole number"),
        ("9" * 5000, int, "must be a whole number"),
        ("x", float, "must be a number"),
        ([1.0], float, "must be a number"),
        (10**400, float, "must be a number"),
        ("nan", float, "must be a finite number"),
        ("1e999", float, "must be a finite number"),
        (True, float, "must be a finite number"),
        ("maybe", bool, "must be true or false"),
        (2, bool, "must be true or false"),
        (None, bool, "must be true or false"),
    ],
)
def test_a_value_of_another_type_is_refused(value, kind, text):
    with pytest.raises(ValueError, match="must be") as caught:
        to_type(value, kind)
    assert str(caught.value) == text


def test_bounds_and_choices_are_told():
    odd = OPERATIONS["conv"].arguments["kernel"]
    choice = Argument("mode", str, ("near", "far"), None, "near")
    for argument, value, text in (
        (odd, "2", "must be odd"),
        (odd, 257, "must lie between 1 and 255"),
        (odd, -1, "must lie between 1 and 255"),
        (choice, "Near", "must be one of near, far"),
        (choice, True, "must be one of near, far"),
    ):
        with pytest.raises(ValueError, match="must") as caught:
            argument.convert(value)
        assert str(caught.value) == text
    assert odd.convert("5") == 5
    assert choice.convert("far") == "far"


def test_even_sizes_are_refused_where_they_must_be_odd():
    def builder(shape, *, size: OddSize):
        """."""

    argument = read_signature("test", builder).arguments["size"]
    assert [argument.convert(size) for size in (1, "3", 255)] == [1, 3, 255]
