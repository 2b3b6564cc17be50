"""What can run a network while it is timed, and the cost that names it.

Adding an engine is one row here, and one of `COSTS` for the cost of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bsngraph.errors import InputError
from bsngraph.measure.piecewise.onnx_running import ONNX_EXTRA, OnnxRunner
from bsngraph.measure.piecewise.running import Runner, run_deployed


@dataclass(frozen=True)
class LatencyEngine:
    """An engine: the runner for a number of threads, what conditions say of it (None
    for torch, which they name anyway), and whether it runs on the CPU alone.
    """

    runner: Callable[[int], Runner]
    stated: Callable[[], str | None]
    cpu_only: bool = False


def _onnxruntime() -> str:
    try:
        import onnxruntime
    except ImportError:
        raise InputError(f"latency@onnx {ONNX_EXTRA}") from None
    return f"onnxruntime {onnxruntime.__version__}"


TORCH_ENGINE = LatencyEngine(lambda threads: run_deployed, lambda: None)

LATENCY_ENGINES = {
    "latency": TORCH_ENGINE,
    "latency@onnx": LatencyEngine(OnnxRunner, _onnxruntime, cpu_only=True),
}
"""By the name of the cost."""


def is_latency(cost: str) -> bool:
    """Whether a cost is the latency of a whole network, by whatever engine."""
    return cost in LATENCY_ENGINES
