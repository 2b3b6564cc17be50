"""Counting loads neither torch's compiler nor its computer algebra, and says what torch
says; checking loads no library that it does not need.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bsngraph import compile_fabric, profile_fabric, read_fabric
from bsngraph.certificate.recount import count_macs
from bsngraph.ops.counting.stand_ins import STAND_INS, run_operator

FABRICS = Path(__file__).parents[1] / "fabrics"
COUNTED = ("cells", "cnf-segmentation", "digits", "photos-96-mbconv", "photos-96-masks", "transformer")
HEAVY = ("torch._dynamo", "torch._inductor", "sympy")
COUNTING = """
import json, sys
import bsngraph
from bsngraph.certificate.recount import count_macs, count_memory
from bsngraph.costs import complete_costs
for path in sys.argv[1:]:
    profile = bsngraph.profile_fabric(bsngraph.read_fabric(path))
    complete_costs(profile), count_macs(profile), count_memory(profile)
print(json.dumps(sorted(sys.modules)))
"""


def test_counting_loads_no_compiler() -> None:
    paths = [str(FABRICS / f"{name}.dot") for name in COUNTED]
    done = subprocess.run([sys.executable, "-c", COUNTING, *paths], check=True, capture_output=True)
    assert [name for name in HEAVY if name in json.loads(done.stdout)] == []


@pytest.mark.parametrize("name", ["cells", "digits", "photos-96-mbconv", "transformer"])
def test_macs_counted_again_are_those_of_torchs_own_counter(name: str) -> None:
    profile = profile_fabric(read_fabric(FABRICS / f"{name}.dot"))
    counter = FlopCounterMode(display=False)
    (source,) = profile.fabric.source_indices
    with torch.device("meta"), torch.no_grad():
        net = compile_fabric(profile).eval()
        with counter:
            net(torch.empty(1, *profile.node_shapes[source]))
    assert count_macs(profile) == counter.get_total_flops() // 2


def test_checking_a_fabric_loads_neither_networkx_nor_what_reads_data() -> None:
    code = (
        "import sys; from bsngraph.cli.main import cli; cli(['check', sys.argv[1]], standalone_mode=False); "
        "print(sorted({'networkx', 'sklearn', 'scipy', 'torch.utils.benchmark', 'bsngraph.data'} "
        "& sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(FABRICS / "digits.dot")], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def _empty(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta")


ATEN = torch.ops.aten
X, W = _empty(2, 6, 9, 4), _empty(6)
CHANNELS_LAST = X.to(memory_format=torch.channels_last)
HEADS = _empty(2, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)[0]  # as attention splits its input
NORM = (W, W, W, W)
TWO: tuple[tuple[Any, ...], ...] = (
    *((X, X), (X, W[:, None, None]), (W[:, None, None], X), (X, CHANNELS_LAST), (CHANNELS_LAST, X)),
    *((HEADS, HEADS), (_empty(2, 5, 8), _empty(5, 8)), (CHANNELS_LAST, _empty(2, 6, 1, 1))),
)
CASES: dict[str, tuple[tuple[Any, ...], ...]] = {
    "aten.convolution.default": (
        (X, _empty(4, 6, 3, 3), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
        (X, _empty(6, 1, 5, 3), W, [2, 2], [2, 1], [2, 1], False, [0, 0], 6),
        (X, _empty(6, 3, 4, 4), None, [2, 2], [1, 1], [1, 1], True, [1, 0], 1),
        (CHANNELS_LAST, _empty(4, 6, 1, 1), None, [2, 2], [0, 0], [1, 1], False, [0, 0], 1),
        (X, _empty(4, 6, 3, 11), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),  # torch refuses it
        (X, _empty(4, 5, 3, 3), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    ),
    "aten.addmm.default": ((_empty(5), _empty(2, 3), _empty(3, 5)), (_empty(4), _empty(2, 3), _empty(3, 5))),
    "aten.mm.default": ((_empty(2, 3), _empty(3, 5)), (_empty(2, 3), _empty(4, 5))),
    "aten.bmm.default": ((_empty(7, 2, 3), _empty(7, 3, 5)),),
    "aten.cat.default": (([X, X], 1), ([X, X],), ([X, _empty(2, 5, 9, 4)], 1), ([X, _empty(2, 5, 9, 3)], 1)),
    "aten.mean.dim": ((X, [2, 3]), (X, [1], True), (CHANNELS_LAST, [2, 3])),
    "aten.amax.default": ((X, [2, 3]), (X, [-1], True), (X,)),
    "aten.native_batch_norm.default": (
        (X, *NORM, False, 0.1, 1e-5),
        (CHANNELS_LAST, *NORM, False, 0.1, 1e-5),
    ),
    "aten._native_batch_norm_legit_no_training.default": (
        (X, *NORM, 0.1, 1e-5),
        (_empty(3, 6), *NORM, 0.1, 1e-5),
    ),
    "aten.native_group_norm.default": ((X, W, W, 2, 6, 36, 3, 1e-5),),
    "aten.native_layer_norm.default": ((X, [4], None, None, 1e-5), (X, [9, 4], _empty(9, 4), None, 1e-5)),
    "aten._safe_softmax.default": ((X, 1), (HEADS, -1)),
    "aten._softmax.default": ((X, 1, False), (HEADS, -1, False)),
    "aten.max_pool2d_with_indices.default": (
        (X, [2, 2], [2, 2], [0, 0], [1, 1], True),
        (X, [3, 3], [2, 2], [1, 1]),
        (X, [2, 2]),
        (X, [3, 3], [3, 3], [1, 1], [1, 1], True),
    ),
    "aten.avg_pool2d.default": (
        (X, [2, 2], [2, 2], [0, 0], True, False),
        (X, [3, 3], [2, 2], [1, 1], False, False),
    ),
    **{
        f"aten.upsample_{mode}.default": ((X, [18, 7], *more), (CHANNELS_LAST, [3, 3], *more))
        for mode, more in (("bilinear2d", (False,)), ("nearest2d", ()))
    },
    **{
        f"aten.upsample_{mode}.vec": ((X, [18, 7], *more, None), (X, None, *more, [2.0, 2.0]))
        for mode, more in (("bilinear2d", (False,)), ("nearest2d", ()))
    },
    **{f"aten.{name}.Tensor": TWO for name in ("add", "div", "mul")},
    "aten.maximum.default": TWO,
    **{f"aten.{name}.Scalar": ((X, 2.0), (HEADS, 0.5)) for name in ("div", "mul")},
    "aten.hardtanh.default": ((X, 0, 6), (CHANNELS_LAST, 0, 6)),
}
ALIKE = ((X,), (CHANNELS_LAST,), (HEADS,), (X[:, :3],), (X[:1].expand(2, 6, 9, 4),))


def _facts(func: Any, args: tuple[Any, ...], run: Any) -> object:
    """Shape, type and bytes of what comes out, or torch's error."""
    try:
        result = run(func, args, {})
    except (RuntimeError, IndexError) as error:
        return str(error)
    results = result if isinstance(result, tuple) else (result,)
    return [(part.shape, part.stride(), part.dtype, part.untyped_storage().nbytes()) for part in results]


@pytest.mark.parametrize("func", STAND_INS, ids=str)
def test_a_stand_in_gives_the_shape_layout_and_bytes_of_its_operator(func: Any) -> None:
    for args in CASES.get(str(func), ALIKE):
        assert _facts(func, args, run_operator) == _facts(func, args, lambda f, given, _: f(*given)), args
