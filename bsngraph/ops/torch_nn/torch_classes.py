"""`op="nn.Name"`: torch.nn's classes that take one tensor and give one.

The table needs no torch to be read. A row is a class's name, the arguments that a file
may give with torch's own names and defaults (sizes such as kernel_size in their whole-
number form), and `fills`: the sizes that come from the incoming shape. What an
operation must not have is left out: `inplace`, devices, second results, statistics that
couple examples in evaluation. tests/test_torch_nn.py compares the table with torch's
signatures.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from bsngraph.ops.signature import Bounds, Fraction, Size, Stride
from bsngraph.ops.torch_nn.torch_class import IMAGE, SEQUENCE, VECTOR, add_classes

_ANY = (VECTOR, SEQUENCE, IMAGE)
_Kernel = Annotated[int, Bounds(1, 255)]
_Padding = Annotated[int, Bounds(0, 1024)]
_Dim = Annotated[int, Bounds(-3, 3), "counts the batch as 0, which it must not be"]
_Positive = Annotated[float, Bounds(1e-12, 1e6)]
_PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]

# --- elementwise

_SAME = "any → the same"
_elementwise = partial(
    add_classes,
    ranks=_ANY,
    when="an activation as an edge of its own; most often a node's activation serves.",
    sizes=_SAME,
)
_elementwise("Hardsigmoid Hardswish LogSigmoid Mish ReLU ReLU6 SELU Sigmoid SiLU Softsign Tanh Tanhshrink")
_elementwise("CELU ELU", alpha=(_Positive, 1.0))
_elementwise("GELU", approximate=(Literal["none", "tanh"], "none"))
_elementwise("Hardshrink Softshrink", lambd=(Annotated[float, Bounds(0, 1e6)], 0.5))
_elementwise("Hardtanh", left_out="min_value max_value", min_val=(float, -1.0), max_val=(float, 1.0))
_elementwise("LeakyReLU", negative_slope=(float, 0.01))
_elementwise("PReLU", num_parameters=(Size, 1), init=(float, 0.25))
_elementwise("RReLU", lower=(Fraction, 0.125), upper=(Fraction, 1 / 3))
_elementwise("Softplus", beta=(_Positive, 1.0), threshold=(float, 20.0))
_elementwise("Threshold", threshold=float, value=float)

add_classes("Identity", _ANY, "the input as it is; identity is the same.", _SAME)
add_classes("Softmax Softmin LogSoftmax", _ANY, "weights that sum to one along a dimension.", _SAME, dim=_Dim)
add_classes("Softmax2d", (IMAGE,), "weights over the channels of each pixel.", _SAME)
add_classes("GLU", _ANY, "one half of the values gates the other.", "halves the size of dim", dim=(_Dim, -1))
add_classes(
    "Dropout AlphaDropout FeatureAlphaDropout", _ANY, "against learning by heart.", _SAME, p=(Fraction, 0.5)
)
add_classes("Dropout1d", (SEQUENCE,), "drops whole channels of sequences.", _SAME, p=(Fraction, 0.5))
add_classes("Dropout2d", (IMAGE,), "drops whole channels of images.", _SAME, p=(Fraction, 0.5))

# --- norms

_NORM = "steadies the scale of values; `norm` of our own operations mostly serves."
_batch_norm = partial(
    add_classes,
    when=_NORM,
    sizes=_SAME,
    fills="num_features",
    left_out="track_running_stats bias",
    eps=(_Positive, 1e-5),
    affine=(bool, True),
)
_batch_norm("BatchNorm1d", (VECTOR, SEQUENCE), momentum=(Fraction, 0.1))
_batch_norm("BatchNorm2d", (IMAGE,), momentum=(Fraction, 0.1))
_instance_norm = partial(
    add_classes,
    when=_NORM,
    sizes=_SAME,
    fills="num_features",
    left_out="momentum track_running_stats bias",
    eps=(_Positive, 1e-5),
)
_instance_norm("InstanceNorm1d", (SEQUENCE,), affine=(bool, False))
_instance_norm("InstanceNorm2d", (IMAGE,), affine=(bool, False))
add_classes(
    "GroupNorm",
    _ANY,
    _NORM,
    _SAME,
    fills="num_channels",
    left_out="bias",
    num_groups=Size,
    eps=(_Positive, 1e-5),
    affine=(bool, True),
)
_over = partial(
    add_classes, ranks=_ANY, sizes=_SAME, fills="normalized_shape", elementwise_affine=(bool, True)
)
_over(
    "LayerNorm",
    when="over the features of each token, or a whole image.",
    eps=(_Positive, 1e-5),
    bias=(bool, True),
)
_over("RMSNorm", when="LayerNorm without mean and shift.", eps=(_Positive, None))
add_classes(
    "LocalResponseNorm",
    (SEQUENCE, IMAGE),
    "AlexNet's norm over neighbouring channels.",
    _SAME,
    size=_Kernel,
    alpha=(float, 1e-4),
    beta=(float, 0.75),
    k=(_Positive, 1.0),
)

# --- convolutions and linear layers

_SLIDING = "sizes by torch's formula for kernel, stride, padding and dilation"
_conv = partial(
    add_classes,
    fills="in_channels",
    sizes=_SLIDING,
    out_channels=Size,
    kernel_size=_Kernel,
    stride=(Stride, 1),
    padding=(_Padding, 0),
    dilation=(Stride, 1),
    groups=(Size, 1),
    bias=(bool, True),
)
_conv("Conv1d", (SEQUENCE,), "along sequences of (channels, length).", padding_mode=(_PaddingMode, "zeros"))
_conv(
    "Conv2d",
    (IMAGE,),
    "a convolution with padding of your own; conv pads so that sizes agree.",
    padding_mode=(_PaddingMode, "zeros"),
)
_conv(
    "ConvTranspose1d",
    (SEQUENCE,),
    "a learned way up along sequences.",
    left_out="padding_mode",
    output_padding=(_Padding, 0),
)
_conv(
    "ConvTranspose2d",
    (IMAGE,),
    "a way up with padding of your own.",
    left_out="padding_mode",
    output_padding=(_Padding, 0),
)
add_classes(
    "Linear",
    _ANY,
    "over the last size.",
    "…×in → …×out_features",
    fills="in_features",
    out_features=Size,
    bias=(bool, True),
)
add_classes(
    "Flatten",
    _ANY,
    "some or all sizes in one.",
    "sizes start_dim to end_dim in one",
    start_dim=(_Dim, 1),
    end_dim=(_Dim, -1),
)

# --- pooling

_DOWN = "lower resolution with padding of your own; max_pool and avg_pool give ⌈size/stride⌉."
for _rank, _d in ((SEQUENCE, "1d"), (IMAGE, "2d")):
    _window = partial(
        add_classes, ranks=(_rank,), when=_DOWN, sizes=_SLIDING, kernel_size=_Kernel, stride=(Stride, None)
    )
    _window(
        f"MaxPool{_d}",
        left_out="return_indices",
        padding=(_Padding, 0),
        dilation=(Stride, 1),
        ceil_mode=(bool, False),
    )
    _window(
        f"AvgPool{_d}",
        left_out="divisor_override",
        padding=(_Padding, 0),
        ceil_mode=(bool, False),
        count_include_pad=(bool, True),
    )
    _window(f"LPPool{_d}", norm_type=_Positive, ceil_mode=(bool, False))
    _adaptive = partial(
        add_classes,
        ranks=(_rank,),
        when="to a size, whatever comes in.",
        sizes="every side output_size",
        output_size=Size,
    )
    _adaptive(f"AdaptiveAvgPool{_d}")
    _adaptive(f"AdaptiveMaxPool{_d}", left_out="return_indices")
    _pad = partial(
        add_classes,
        ranks=(_rank,),
        when="before an operation without padding.",
        sizes="every side + 2·padding",
        padding=_Padding,
    )
    _pad(f"ZeroPad{_d} ReflectionPad{_d} ReplicationPad{_d} CircularPad{_d}")
    _pad(f"ConstantPad{_d}", value=float)

# --- pixels and channels

add_classes(
    "PixelShuffle",
    (IMAGE,),
    "sub-pixel upsampling.",
    "c×h×w → (c/f²)×(f·h)×(f·w), f the factor",
    upscale_factor=Stride,
)
add_classes(
    "PixelUnshuffle",
    (IMAGE,),
    "lossless downsampling.",
    "c×h×w → (c·f²)×(h/f)×(w/f), f the factor",
    downscale_factor=Stride,
)
add_classes(
    "ChannelShuffle", (SEQUENCE, IMAGE), "between grouped convolutions (ShuffleNet).", _SAME, groups=Size
)
_enlarge = partial(
    add_classes,
    ranks=(IMAGE,),
    when="enlarging by a fraction; upsample takes height and width.",
    sizes="every side size, or times scale_factor",
    size=(Size, None),
    scale_factor=(Annotated[float, Bounds(1 / 64, 64)], None),
)
_enlarge(
    "Upsample",
    left_out="align_corners recompute_scale_factor",
    mode=(Literal["nearest", "nearest-exact", "bilinear", "bicubic"], "nearest"),
)
_enlarge("UpsamplingNearest2d UpsamplingBilinear2d")
add_classes(
    "Unfold",
    (IMAGE,),
    "windows as columns: (c·kernel_size²)×windows.",
    "c×h×w → (c·kernel_size²)×windows",
    kernel_size=_Kernel,
    dilation=(Stride, 1),
    padding=(_Padding, 0),
    stride=(Stride, 1),
)
