"""metrics.jsonl: a row an epoch.

Metrics stand in a row under names that their task gives them, `train_accuracy`,
`validation_rmse`: they are kept apart from the fields that every row has.

With class weights the losses stand under `train_weighted_loss` and
`validation_weighted_loss`, since `loss` is the plain one wherever else it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from bsngraph.typed_files import Amount, Count, Finite, Number, Row, plain

_FIELDS = ("train_loss", "validation_loss")
_SPLITS = ("train", "validation")
_WEIGHTED = {field: field.replace("_loss", "_weighted_loss") for field in _FIELDS}
_PLAIN = {weighted: field for field, weighted in _WEIGHTED.items()}


class _EpochRow(Row, frozen=True, kw_only=True):
    """What every row has; `weighted` says that its losses are with class weights."""

    epoch: Number
    train_loss: Finite
    train: dict[str, Finite]
    validation_loss: Finite
    validation: dict[str, Finite]
    weighted: bool = False

    def __post_init__(self) -> None:
        if not (self.train and self.validation):
            raise ValueError("an epoch has a metric of its task on training and on validation data")


class SampledCost(Row, frozen=True, kw_only=True):
    """Means over an epoch: of the samples of Γ, and of the thresholded Γ."""

    sampled: Amount
    thresholded: Amount


class IncumbentRow(Row, frozen=True, kw_only=True):
    """The best architecture inside the budgets so far."""

    kept: Count
    validation_loss: Finite | None
    costs: dict[str, Amount]


class SearchRow(_EpochRow, frozen=True, kw_only=True):
    """An epoch in which Γ learned beside the weights."""

    stage: Literal["search"]
    costs: dict[str, SampledCost]
    limits: dict[str, Amount]
    excess: dict[str, Amount]
    penalty: dict[str, Amount]
    entropy: Amount
    incumbent: IncumbentRow | None
    disconnected: Count
    learning_rate: Amount
    burn_in: bool
    seconds: Amount


class TrainingRow(_EpochRow, frozen=True, kw_only=True, omit_defaults=True):
    """An epoch in which one network was trained; `finalist` says which, from 1, and
    `network` which of a front is fine-tuned.
    """

    stage: Literal["finalist", "finetune", "training"]
    learning_rate: Amount
    seconds: Amount
    finalist: Number | None = None
    network: Number | None = None


EpochRow = SearchRow | TrainingRow


def row_type(line: Mapping[str, Any]) -> type[SearchRow] | type[TrainingRow]:
    """The struct of a line, by its stage."""
    return SearchRow if line.get("stage") == "search" else TrainingRow


def gathered(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its metrics gathered under `train` and `validation`."""
    fields: dict[str, Any] = {}
    metrics: dict[str, dict[str, Any]] = {split: {} for split in _SPLITS}
    fields["weighted"] = any(name in _PLAIN for name in line) or line.get("weighted", False)
    for written, value in line.items():
        name = _PLAIN.get(written, written)
        if name == "incumbent" and isinstance(value, Mapping):
            value = {_PLAIN.get(each, each): part for each, part in value.items()}
        split, _, metric = name.partition("_")
        if metric and split in _SPLITS and name not in _FIELDS:
            metrics[split][metric] = value
        else:
            fields[name] = value
    return fields | {split: fields.get(split, found) for split, found in metrics.items()}


def flat(row: EpochRow) -> dict[str, Any]:
    """A row as its line says it, in that order."""
    said: dict[str, Any] = {"stage": row.stage, "epoch": row.epoch}
    for split, field in zip(_SPLITS, _FIELDS, strict=True):
        said[_WEIGHTED[field] if row.weighted else field] = getattr(row, field)
        said |= {f"{split}_{name}": value for name, value in getattr(row, split).items()}
    rest = {name: value for name, value in plain(row).items() if name not in (*_SPLITS, *_FIELDS, "weighted")}
    if row.weighted and rest.get("incumbent"):
        rest["incumbent"] = {_WEIGHTED.get(name, name): value for name, value in rest["incumbent"].items()}
    return said | rest


def epoch_row(line: Mapping[str, Any]) -> EpochRow:
    """A row of our own making, as a struct."""
    return msgspec.convert(gathered(line), row_type(line))
