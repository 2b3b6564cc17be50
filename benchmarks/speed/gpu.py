"""Training on a GPU: images a second of sampled execution against dense-and-mask, and
the share of a sampled step in which the GPU computes.

The steps are those of `execution`, in turn in one run. The share is that of kernels in
the seconds of some sampled steps, as torch's profiler sees both: what is missing to one
is the GPU waiting for the host.

    python -m benchmarks gpu [--quick] [--repeats 15] [--device cuda]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import click
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds, ratio
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import Table
from benchmarks.speed.execution import BATCH, PROBABILITIES, WARM, Steps, fabrics

PROFILED = 10  # steps
# No rows are kept yet: a table of RESULTS.md is {"gpu": last_table()}.
TABLES: Mapping[str, Table] = {}


def kernel_share(step: Callable[[], None], steps: int = PROFILED) -> float:
    """The share of the time of some steps in which kernels run on the GPU."""
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        started = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    return sum(event.self_device_time_total for event in seen.key_averages()) / 1e6 / seconds


@click.command("gpu")
@quick_option
@repeats_option
@click.option("--device", default="cuda", show_default=True, help="cuda; cpu only to see that it runs.")
def command(quick: bool, repeats: int | None, device: str) -> None:
    """Measure training steps on a GPU, against dense-and-mask.

    Example: python -m benchmarks gpu --quick
    """
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu and not torch.cuda.is_available():
        raise click.UsageError("there is no GPU here: --device cpu --quick sees whether the benchmark runs")
    rounds = repeats_of(repeats, quick=quick, usual=15)
    rows = []
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[::2] if quick else PROBABILITIES:
            torch.manual_seed(0)
            steps = Steps(fabric, device, probability)
            dense, sampled = in_turn([steps.dense, steps.sampled], rounds, device, warm=2 if quick else WARM)
            rows.append(
                {
                    "fabric": name,
                    "p": probability,
                    "live share": steps.live_share(),
                    "dense images/s": 1000 * BATCH / milliseconds(dense),
                    "sampled images/s": 1000 * BATCH / milliseconds(sampled),
                    "ratio": ratio(dense, sampled),
                    "kernel share": kernel_share(steps.sampled) if on_gpu else None,
                }
            )
    keep("gpu", rows, quick=quick or not on_gpu)
