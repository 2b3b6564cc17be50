"""front.csv: the networks that a range of limits was answered with, a row a limit.

The file is a table for people and for spreadsheets. Names that users gave stand in its
header alone, behind `cost_` and `limit_`, so that no cell can be taken for a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from bsngraph.costs.budgets import FRONT
from bsngraph.displayed import Displayed
from bsngraph.errors import InputError
from bsngraph.typed_files import CURE, Amount, Finite, Positive, Row, decode_value

Weights = Literal["trained", "fine-tuned", "inherited"]
"""Where a network's weights are from: a training from scratch, fine-tuning, or the
super-network.
"""

NetworkGraph = Annotated[str, msgspec.Meta(pattern="^front/[1-9]\\.dot$")]

NETWORK_FILES = tuple(
    f"front/{number}.{suffix}" for number in range(1, FRONT + 1) for suffix in ("dot", "safetensors")
)
"""A graph and weights for each network that a front may have."""

_NONE_INSIDE = "none inside"
_GROUPS = {"cost_": "costs", "validation_": "validation", "test_": "test"}
_LIMIT = "limit_"


class FrontRow(Row, frozen=True, kw_only=True):
    """A limit, and the network that answers for it: the best inside on validation data.

    `architecture` is its graph file in the run folder, None if no network is inside.
    Metrics and the loss are by name; several limits may have the same network.
    """

    limit: Positive
    architecture: NetworkGraph | None = None
    weights: Weights | None = None
    costs: dict[str, Amount] = msgspec.field(default_factory=dict)
    validation: dict[str, Finite] = msgspec.field(default_factory=dict)
    test: dict[str, Finite] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.architecture is None) != (self.weights is None):
            raise ValueError("a network has a file and weights, or there is none")

    @property
    def files(self) -> tuple[str, str]:
        """The graph and the weights of the row's network, in the run folder."""
        assert self.architecture is not None
        return self.architecture, f"{self.architecture.removesuffix('.dot')}.safetensors"


class Front(Row, Displayed, frozen=True, kw_only=True):
    """The networks of a range of limits on `cost`, the smallest limit first.

    `unit` is the cost's; `metric` is the one that is shown for the task.
    """

    cost: str
    unit: str
    metric: str
    rows: Annotated[tuple[FrontRow, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if any(one.limit >= other.limit for one, other in pairwise(self.rows)):
            raise ValueError("the limits are not in ascending order")
        for row in self.networks:
            if self.cost not in row.costs or not (self.metric in row.validation and self.metric in row.test):
                raise ValueError(f"{row.architecture} has no {self.cost} or no {self.metric}")

    @property
    def networks(self) -> tuple[FrontRow, ...]:
        """The first row of each network, the cheapest network first."""
        return tuple({row.architecture: row for row in reversed(self.rows) if row.architecture}.values())[
            ::-1
        ]


def front_text(front: Front) -> str:
    """The text of front.csv; the shown metric is the first of each split."""
    columns = {"costs": [front.cost], "validation": [front.metric], "test": [front.metric]}
    for row in front.rows:
        for group, names in columns.items():
            names += [name for name in getattr(row, group) if name not in names]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    headings = [f"{prefix}{name}" for prefix, group in _GROUPS.items() for name in columns[group]]
    rows.writerow([f"{_LIMIT}{front.cost}", "unit", "weights", *headings, "architecture"])
    for row in front.rows:
        values = [getattr(row, group).get(name, "") for group, names in columns.items() for name in names]
        weights = row.weights or _NONE_INSIDE
        rows.writerow([row.limit, front.unit, weights, *values, row.architecture or ""])
    return text.getvalue()


def parse_front(content: bytes, origin: str) -> Front:
    """What `front_text` gave.

    Raises:
        InputError: it is something else; the text names `origin` and the place.
    """
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{origin}: is no table of a front ({error}): {CURE}") from None
    header, body = (lines[0], lines[1:]) if lines else ([], [])
    limits = [name for name in header if name.startswith(_LIMIT)]
    shown = [name.removeprefix("validation_") for name in header if name.startswith("validation_")]
    if len(limits) != 1 or not shown or len({*header}) < len(header):
        raise InputError(f"{origin}: is no table of a front (its columns are others): {CURE}")
    if any(len(line) != len(header) for line in body):
        raise InputError(f"{origin}: is no table of a front (its rows are not of one length): {CURE}")
    said = [dict(zip(header, line, strict=True)) for line in body]
    rows = [_row(cells, limits[0]) for cells in said]
    unit = said[0].get("unit", "") if said else ""
    cost = limits[0].removeprefix(_LIMIT)
    return decode_value({"cost": cost, "unit": unit, "metric": shown[0], "rows": rows}, Front, origin)


def _row(cells: Mapping[str, str], limit: str) -> dict[str, Any]:
    """A line as the fields of a FrontRow."""
    row: dict[str, Any] = {"limit": _number(cells[limit])}
    row |= {name: cells[name] for name in ("architecture", "weights") if cells.get(name)}
    if row.get("weights") == _NONE_INSIDE:
        del row["weights"]
    for prefix, group in _GROUPS.items():
        row[group] = dict(_amounts(cells, prefix))
    return row


def _amounts(cells: Mapping[str, str], prefix: str) -> Iterator[tuple[str, object]]:
    for name, cell in cells.items():
        if name.startswith(prefix) and cell:
            yield name.removeprefix(prefix), _number(cell)


def _number(cell: str) -> object:
    """The number that a cell holds; the text itself where it holds none."""
    try:
        return float(cell)
    except ValueError:
        return cell
