"""What an export may be asked for beside its format."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bsngraph.errors import InputError
from bsngraph.settings.kinds import check_kinds

MOST_LOST = 1.0


@dataclass(frozen=True)
class ExportOptions:
    """Options that formats take; `ExportFormat.takes` says which.

    `logits`: the outputs of the bare network in place of the task's answer. `opset`: of
    ONNX, the exporter's own if None. `int8`: weights and activations in 8 bits,
    `int8_loss`: what of the validation metric that may cost, in points: per cents of
    a share, and of an error like RMSE per cents of itself. `include_ops`: copy the
    code of the user's operations.

    Raises:
        InputError: a value of another type; `int8_loss` is no number of points, or
            stands without `int8`.
    """

    logits: bool = False
    opset: int | None = None
    int8: bool = False
    int8_loss: float = MOST_LOST
    include_ops: bool = False

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 0 <= self.int8_loss < math.inf:
            raise InputError(f"--int8-loss {self.int8_loss:g} must be a number of points from 0 on")
        if self.int8_loss != MOST_LOST and not self.int8:
            raise InputError("--int8-loss says what 8 bits may lose: give --int8 too")
