"""What an export may be asked for beside its format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportOptions:
    """Options that formats take; `ExportFormat.takes` says which.

    `logits`: the outputs of the bare network in place of the task's answer. `opset`: of
    ONNX, the exporter's own if None. `int8`: weights and activations in 8 bits,
    `int8_loss`: what of the validation metric that may cost, in points.
    `include_ops`: copy the code of the user's operations.
    """

    logits: bool = False
    opset: int | None = None
    int8: bool = False
    int8_loss: float = 1.0
    include_ops: bool = False
