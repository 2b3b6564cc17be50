"""Where the time of a sampled training step goes, and how far it is above two floors.

Arithmetic: six times the live MACs of the batch (a multiply and an add, forwards and
for both gradients) at the rate that a 3x3 convolution of 32 channels on 16x16 reaches
forwards and backwards. Bytes: every leaf module that runs reads its input and writes
its output, and on the way back reads the output's gradient and its input again and
writes the input's gradient, at the rate of copying a large tensor. Convolutions of
thinned pixels (`supernet/thinned.py`) are not among them, which makes that floor lower.

    python -m benchmarks floors [--quick] [--repeats 7] [--threads 1]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import click
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds
from benchmarks.shared.options import quick_option, repeats_of, repeats_option, threads_option
from benchmarks.shared.tables import newest_table
from benchmarks.speed.execution import BATCH, PROBABILITIES, WARM, Steps, fabrics

TABLES = {"floors": newest_table("threads", "fabric", "p")}
KINDS = {
    "convolutions %": ("aten::mkldnn_convolution", "aten::convolution_backward", "aten::cudnn_convolution"),
    "norms %": ("aten::native_batch_norm", "aten::native_batch_norm_backward", "aten::cudnn_batch_norm"),
    "rows %": (
        "aten::index_select",
        "aten::index_add_",
        "aten::scatter_add_",
        "aten::fill_",
        "aten::zero_",
        "_Take",
        "_Add",
        "aten::index_copy",
    ),
}


def convolution_rate(repeats: int) -> float:
    """FLOP/s forwards and backwards."""
    conv = nn.Conv2d(32, 32, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    inputs = torch.randn(BATCH, 32, 16, 16).to(memory_format=torch.channels_last).requires_grad_()
    gradient = torch.randn(BATCH, 32, 16, 16).to(memory_format=torch.channels_last)
    times = in_turn(
        [lambda: torch.autograd.grad(conv(inputs), (inputs, conv.weight), gradient)], 3 * repeats
    )[0]
    return 6 * BATCH * 32 * 32 * 9 * 16 * 16 / min(times)


def copy_rate(repeats: int) -> float:
    """Bytes read and written a second."""
    x, y = torch.zeros(2**24), torch.zeros(2**24)
    return 2 * 4 * 2**24 / min(in_turn([lambda: y.copy_(x)], 3 * repeats)[0])


def moved_bytes(net: nn.Module, step: Callable[[], None]) -> float:
    """Bytes of one step, as defined above."""
    total = 0

    def note(module: nn.Module, given: tuple[Tensor], result: Tensor) -> None:
        nonlocal total
        total += 3 * given[0].nbytes + 2 * result.nbytes

    leaves = [
        module
        for module in net.modules()
        if not list(module.children()) and not isinstance(module, nn.Identity)
    ]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    step()
    for hook in hooks:
        hook.remove()
    return total


def shares(step: Callable[[], None], times: int) -> dict[str, float]:
    """Percent of the processor's time by kind of work."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(times):
            step()
    spent: Counter[str] = Counter()
    for event in found.key_averages():
        kind = next((kind for kind, names in KINDS.items() if event.key in names), "all else %")
        spent[kind] += event.self_cpu_time_total
    return {kind: 100 * spent[kind] / spent.total() for kind in [*KINDS, "all else %"]}


@click.command("floors")
@quick_option
@repeats_option
@threads_option
def command(quick: bool, repeats: int | None, threads: int) -> None:
    """Measure a sampled step against its arithmetic and its bytes.

    Example: python -m benchmarks floors --quick
    """
    rounds = repeats_of(repeats, quick=quick)
    torch.set_num_threads(threads)
    flops, copied = convolution_rate(rounds), copy_rate(rounds)
    print(f"3x3 convolution {flops / 1e9:.0f} GFLOP/s, copying {copied / 1e9:.1f} GB/s")
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[::2] if quick else PROBABILITIES[:3]:
            torch.manual_seed(0)
            steps = Steps(fabric, "cpu", probability)
            step = milliseconds(in_turn([steps.sampled], rounds, warm=WARM if not quick else 2)[0])
            arithmetic = 1000 * 6 * BATCH * steps.live_share() * steps.macs.total / flops
            moving = 1000 * moved_bytes(steps.net, steps.sampled) / copied
            row = {
                "threads": threads,
                "fabric": name,
                "p": probability,
                "step ms": step,
                "arithmetic ms": arithmetic,
                "bytes ms": moving,
            }
            above = {"step / both floors": step / (arithmetic + moving)}
            keep("floors", [{**row, **above, **shares(steps.sampled, rounds)}], quick=quick)
