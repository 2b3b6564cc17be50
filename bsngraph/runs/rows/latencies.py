"""latencies.json: milliseconds of a fabric's edges, and what they hold for.

A run writes it, `bsngraph measure -o` does, and so does the measure.py of a kit on
another device.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from bsngraph.runs.rows.config import Examples, Threads
from bsngraph.typed_files import Amount, Count, Positive, Row, Sha256
from bsngraph.wording import printable, shortened

_LONGEST = 80  # of a text that a stranger may have written


class Conditions(Row, frozen=True, omit_defaults=True):
    """What a latency holds for. `model`: of the processor or accelerator, or what a
    device of the user's is called. Numbers are float32. `engine`: what ran the network
    and its version, where that was not torch.
    """

    device: str
    model: str
    threads: Threads
    batch: Examples
    dtype: str
    torch: str
    bsngraph: str
    engine: str | None = None

    def told(self) -> str:
        """The conditions as people read them."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        examples = "1 example" if self.batch == 1 else f"{self.batch} examples"
        said = (self.model, self.device, self.engine or f"torch {self.torch}")
        model, device, engine = (shortened(printable(text), _LONGEST) for text in said)
        return f"{model} ({device}, {engine}, {threads}, {examples})"


class Calibration(Row, frozen=True):
    """Latency ≈ `operations` · Σ operation + `joining` · Σ joining.

    `networks`: how many it was fitted on (0: it is the plain sum of operations).
    `error`: the mean of |sum − measured| / measured on them, each being left out of the
    fit in its turn, and `error_before` that of the plain sum.
    """

    operations: Amount = 1.0
    joining: Amount = 0.0
    networks: Count = 0
    error: Amount | None = None
    error_before: Amount | None = None


class MeasuredNetwork(Row, frozen=True, kw_only=True):
    """A sub-network that was measured whole: the names of its edges, and what it took
    in milliseconds.
    """

    edges: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    ms: Positive


class LatenciesRow(Row, frozen=True, kw_only=True):
    """Milliseconds by the name of the edge, before calibration: of its operation as a
    network of its own, and of two values that meet at its target.

    `networks` are what the calibration was fitted on. `fabric` is a hash of the
    fabric's edges and shapes. `spread` is what is added to the calibrated sum, as a
    share of it, where networks cannot be measured whole because the device is not here.
    `edge_ms` is what each edge adds to a network, where each was calibrated by itself:
    in files of before it is what the two factors of `calibration` say.
    """

    unit: Literal["ms"] = "ms"
    conditions: Conditions
    calibration: Calibration = Calibration()
    operation_ms: dict[str, Amount]
    joining_ms: dict[str, Amount]
    networks: tuple[MeasuredNetwork, ...] = ()
    fabric: Sha256 | None = None
    spread: Amount | None = None
    edge_ms: dict[str, Amount] | None = None

    def __post_init__(self) -> None:
        if self.operation_ms.keys() != self.joining_ms.keys():
            raise ValueError("operation_ms and joining_ms are of different edges")
        if self.edge_ms is not None and self.edge_ms.keys() != self.operation_ms.keys():
            raise ValueError("operation_ms and edge_ms are of different edges")
        for network in self.networks:
            unknown = [name for name in network.edges if name not in self.operation_ms]
            if unknown or len({*network.edges}) < len(network.edges):
                raise ValueError("a network has an edge twice, or one without a latency")

    def calibrated_ms(self, edge: str) -> float:
        """What an edge adds to the latency of a network, without the spread."""
        if self.edge_ms is not None:
            return self.edge_ms[edge]
        fitted = self.calibration
        return fitted.operations * self.operation_ms[edge] + fitted.joining * self.joining_ms[edge]
