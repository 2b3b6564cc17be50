"""Peak memory of a training step, sampled against dense-and-mask.

Counted by torch's own profiler: every allocation and release of tensors during one step
after two that warm up (so that gradients and momenta are there already), by their
running sum. What convolutions allocate inside their library for the length of a call is
not seen. On a GPU, torch's peak counter.

    python -m benchmarks memory [--quick] [--device cuda]
"""

from __future__ import annotations

from collections.abc import Callable

import click
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import device_option, quick_option
from benchmarks.shared.tables import last_table
from benchmarks.speed.execution import PROBABILITIES, Steps, fabrics

TABLES = {"memory": last_table()}


def peak_mib(step: Callable[[], None], device: str) -> float:
    """The most that a step holds beyond what was there before it."""
    for _ in range(2):
        step()
    if device != "cpu":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        step()
    assert found.profiler is not None
    events = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


@click.command("memory")
@quick_option
@device_option
def command(quick: bool, device: str) -> None:
    """Measure the peak memory of a training step.

    Example: python -m benchmarks memory --quick
    """
    rows = []
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[::2] if quick else PROBABILITIES:
            torch.manual_seed(0)
            steps = Steps(fabric, device, probability)
            dense, sampled = peak_mib(steps.dense, device), peak_mib(steps.sampled, device)
            rows.append(
                {
                    "fabric": name,
                    "p": probability,
                    "dense MiB": dense,
                    "sampled MiB": sampled,
                    "sampled / dense": sampled / dense,
                }
            )
    keep("memory", rows, quick=quick)
