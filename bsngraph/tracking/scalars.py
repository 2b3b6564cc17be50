"""Rows of metrics.jsonl and result.json → numbers under names, as trackers plot them.

A name begins with its stage: `search/validation_accuracy`, `finalists/03/train_loss`,
`finetune/learning_rate`, `result/test/accuracy`. A step is an epoch of its stage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bsngraph.runs.rows.epochs import EpochRow, flat
from bsngraph.runs.rows.result import RunResult
from bsngraph.typed_files import plain
from bsngraph.wording import printable

_OF_THE_SERIES = ("stage", "epoch", "finalist", "network")
_SERIES = {"finalist": "finalists"}
_CLOCK = "seconds"


@dataclass(frozen=True)
class EpochScalars:
    """An epoch's numbers by name, and the seconds of the run up to its end."""

    step: int
    elapsed_s: float
    values: Mapping[str, float]


def scalars_of(rows: Sequence[EpochRow]) -> list[EpochScalars]:
    """The numbers of each row.

    A stage that begins again at an epoch that it has had is a series of its own:
    `finalists-2` of a run that does not number them.
    """
    found: list[EpochScalars] = []
    last: dict[str, int] = {}
    parts: dict[str, int] = {}
    elapsed_s = 0.0
    for row in rows:
        said = flat(row)
        series = _series(said)
        if row.epoch <= last.get(series, 0):
            parts[series] = parts.get(series, 1) + 1
        last[series] = row.epoch
        elapsed_s += row.seconds
        name = series if series not in parts else f"{series}-{parts[series]}"
        numbers = {key: value for key, value in said.items() if key not in _OF_THE_SERIES}
        found.append(EpochScalars(row.epoch, elapsed_s, dict(_numbers(numbers, name))))
    return found


def result_scalars(result: RunResult) -> dict[str, float]:
    """What the run found: metrics, costs, edges kept, seconds."""
    said = plain(result)
    shown = {
        **said["metrics"],
        "costs": {name: cost["value"] for name, cost in said["costs"].items()},
        "edges_kept": result.edges.kept,
        "seconds": result.seconds,
    }
    return dict(_numbers(shown, "result"))


def digest_of_rows(rows: Sequence[EpochRow]) -> str:
    """A hash of what rows say, but for the clock: a resumed run writes the same rows
    again, and takes another time for it.
    """
    digest = hashlib.sha256()
    for row in rows:
        said = {name: value for name, value in flat(row).items() if name != _CLOCK}
        digest.update(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()


def _series(said: Mapping[str, Any]) -> str:
    """`search`, `finalists/03`, `finetune`, or `finetune/02` of a front's networks."""
    stage = _SERIES.get(said["stage"], said["stage"])
    number = said.get("finalist") or said.get("network")
    return f"{stage}/{number:02d}" if number else str(stage)


def _numbers(said: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Every number in nested mappings; names are joined by slashes."""
    for key, value in said.items():
        name = f"{prefix}/{printable(key)}"
        if isinstance(value, Mapping):
            yield from _numbers(value, name)
        elif isinstance(value, int | float):
            yield name, float(value)
