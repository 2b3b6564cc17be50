"""Peak memory of a training step, sampled against dense-and-mask.

Counted by torch's own profiler: every allocation and release of tensors during one step
after two that warm up (so that gradients and momenta are there already), by their
running sum. What convolutions allocate inside their library for the length of a call is
not seen. On a GPU, torch's peak counter.

    python benchmarks/memory.py [--quick] [--device cuda]
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from execution import PROBABILITIES, Steps, fabrics
from measuring import keep, options
from torch.profiler import ProfilerActivity, profile


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


def main() -> None:
    chosen = options(__doc__)
    rows = []
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[::2] if chosen.quick else PROBABILITIES:
            torch.manual_seed(0)
            steps = Steps(fabric, chosen.device, probability)
            dense, sampled = peak_mib(steps.dense, chosen.device), peak_mib(steps.sampled, chosen.device)
            rows.append(
                {
                    "fabric": name,
                    "p": probability,
                    "dense MiB": dense,
                    "sampled MiB": sampled,
                    "sampled / dense": sampled / dense,
                }
            )
    keep("memory", rows, quick=chosen.quick)


if __name__ == "__main__":
    main()
