"""export.json: what an exported folder holds, and the proof that it does what the run's
network does.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bsngraph.exporting.onnx.int8_record import Int8Row
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.raw_network import RawInput, RawOutput
from bsngraph.runs.rows.certificate import JudgedBudget
from bsngraph.typed_files import Amount, Count, Finite, Number, Row, Sha256

RECORD_FORMAT = 1


class ParityRow(Row, frozen=True, kw_only=True):
    """A batch of made-up raw examples, run by the run's network and by the export.

    `difference` is the largest of the float outputs, as a share of the largest value of
    its output. `others` counts classes or decisions that are not the same, `ties` those
    of them between which the run's network itself does not decide.
    """

    batch: Number
    difference: Amount
    others: Count
    ties: Count


class MetricRow(Row, frozen=True, kw_only=True):
    """The task's metric on the run's test examples, of the run's network and of the
    export.
    """

    name: str
    examples: Number
    before: Finite
    after: Finite


class CostRow(Row, frozen=True, kw_only=True):
    """A cost of the run's network, and the same counted on what was exported."""

    unit: str
    run: Count
    exported: Count


class DataRow(Row, frozen=True, kw_only=True):
    """The data of the run: its name, and the hash of all examples."""

    name: str
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]


class ExportRecord(Row, frozen=True, kw_only=True):
    """The content of export.json.

    `opset` and `int8`, how it was quantised, are read back from an ONNX file, None for
    other formats and what is in float. `weights`: the hash of the run's weights,
    whatever file they are in; `certificate`: of certificate.json, None if the run has
    none. `files`: SHA-256 of every other file of the folder by its path.
    """

    export: Annotated[int, msgspec.Meta(ge=RECORD_FORMAT, le=RECORD_FORMAT)] = RECORD_FORMAT
    format: str
    name: str
    task: str
    classes: tuple[str, ...]
    options: ExportOptions
    inputs: tuple[RawInput, ...]
    outputs: tuple[RawOutput, ...]
    mean: tuple[Finite, ...]
    std: tuple[Finite, ...]
    opset: Number | None
    int8: Int8Row | None = None
    data: DataRow
    weights: Sha256
    certificate: Sha256 | None
    parity: tuple[ParityRow, ...]
    metric: MetricRow
    costs: dict[str, CostRow]
    budgets: tuple[JudgedBudget, ...]
    versions: dict[str, str]
    files: dict[str, Sha256]
