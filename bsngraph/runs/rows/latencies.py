"""latencies.json: milliseconds of a fabric's edges, and what they hold for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsngraph.runs.rows.config import Examples, Threads
from bsngraph.typed_files import Amount, Count, Row


@dataclass(frozen=True)
class Conditions:
    """What a latency holds for. `model`: of the processor or accelerator. Numbers are
    float32.
    """

    device: str
    model: str
    threads: Threads
    batch: Examples
    dtype: str
    torch: str
    bsngraph: str


class Calibration(Row, frozen=True):
    """Latency ≈ `operations` · Σ operation + `joining` · Σ joining.

    `networks`: how many it was fitted on (0: it is the plain sum of operations).
    `error`: the mean of |sum − measured| / measured on them, and `error_before` that of
    the plain sum.
    """

    operations: Amount = 1.0
    joining: Amount = 0.0
    networks: Count = 0
    error: Amount | None = None
    error_before: Amount | None = None


class LatenciesRow(Row, frozen=True, kw_only=True):
    """Milliseconds by the name of the edge, before calibration: of its operation as a
    network of its own, and of two values that meet at its target.
    """

    unit: Literal["ms"] = "ms"
    conditions: Conditions
    calibration: Calibration
    operation_ms: dict[str, Amount]
    joining_ms: dict[str, Amount]

    def __post_init__(self) -> None:
        if self.operation_ms.keys() != self.joining_ms.keys():
            raise ValueError("operation_ms and joining_ms are of different edges")
