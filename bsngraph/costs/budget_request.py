"""Budgets as written: `macs=25%`, `latency=100ms`, `steps:4=12`, `params~=40k`.

In: text of the command line, and the fabric's costs for shares of the whole. Out:
`Budgets`, each limit in its cost's unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bsngraph.costs.budgets import Budget, Budgets, Relation
from bsngraph.costs.cost import Cost
from bsngraph.costs.table import COSTS, Sources, price
from bsngraph.errors import InputError
from bsngraph.profile import FabricProfile

_NUMBER = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|nan)\s*(%|[A-Za-zµμ]*)\s*", re.IGNORECASE
)
_NOT_A_LIMIT = "the limit must be a positive finite number"
_COUNTS: Mapping[str, float] = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "": 1.0}
# A cost's unit → the units in which a limit on it may be written, each in the cost's
# unit. All others are counts.
_MEASURES: Mapping[str, Mapping[str, float]] = {
    "bytes": {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "ms": {"us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3},
}
# Units of costs that are counted in whole ones.
_WHOLE = frozenset(kind.unit for kind in COSTS.values()) - frozenset(_MEASURES)
# Read, and not named where the units are listed. The second is the Greek letter.
_SECOND_SPELLINGS = frozenset({"K", "μs"})


@dataclass(frozen=True)
class BudgetRequest:
    """A budget as written: an amount, and its unit (`%` for a share of the whole
    fabric). `least` is the lower end of a range.
    """

    cost: str
    amount: float
    unit: str
    text: str
    relation: Relation = "<="
    least: BudgetRequest | None = None


def parse_budget(text: str) -> BudgetRequest:
    """Read `NAME=LIMIT`, `NAME~=LIMIT` or the range `NAME=LEAST..MOST`.

    Raises:
        InputError: the text does not read so, or the limit is not a positive finite
            number.
    """
    name, equals, limit = text.partition("=")
    relation: Relation = "~=" if name.rstrip().endswith("~") else "<="
    name = name.rstrip().removesuffix("~").removesuffix("<").strip()  # `<=` may be written out
    if not equals or not name:
        raise InputError(f"budget {text!r} does not read NAME=LIMIT: write e.g. macs=25% or params=40k")
    least, dots, most = limit.partition("..")
    if dots:
        return _range(name, least, most, text, relation)
    found = _NUMBER.fullmatch(limit)
    if not found:
        raise InputError(
            f"budget {text!r}: {limit!r} is no number with a unit or %: write e.g. macs=25% or macs=2.5M"
        )
    amount = float(found.group(1))
    if not math.isfinite(amount) or amount <= 0:
        raise InputError(f"budget {text!r}: {_NOT_A_LIMIT}")
    return BudgetRequest(name, amount, found.group(2), text, relation)


def _range(name: str, least: str, most: str, text: str, relation: Relation) -> BudgetRequest:
    """A range from its two ends; one without a unit has the other's."""
    if relation != "<=":
        raise InputError(f"budget {text!r}: a range has hard limits: write {name}={least}..{most}")
    first, last = (_NUMBER.fullmatch(end) for end in (least, most))
    if not (first and last):
        raise InputError(f"budget {text!r}: a range reads LEAST..MOST: write e.g. macs=10%..60%")
    units = first.group(2) or last.group(2), last.group(2) or first.group(2)
    lower, upper = (
        parse_budget(f"{name}={end.group(1)}{unit}") for end, unit in zip((first, last), units, strict=True)
    )
    if units[0] == units[1]:
        _check_order(text, lower.amount, upper.amount)
    return replace(upper, text=text, least=replace(lower, text=text))


def _check_order(text: str, least: float, most: float) -> None:
    if not least < most:
        raise InputError(f"budget {text!r}: a range begins below its end: write e.g. macs=10%..60%")


def check_units(requests: Sequence[BudgetRequest]) -> None:
    """Whether limits on the table's costs are in their units, which can be told before
    anything is measured.

    Raises:
        InputError: one is not.
    """
    for request in (*requests, *(each.least for each in requests if each.least)):
        kind = request.cost.partition(":")[0]
        if kind in COSTS and request.unit != "%":
            _factor(request, COSTS[kind].unit)


def resolve_budgets(
    profile: FabricProfile, requests: Sequence[BudgetRequest], sources: Sources | None = None
) -> Budgets:
    """Give each request its cost and its limit in that cost's unit.

    Raises:
        InputError: an unknown cost, a unit that is not the cost's, two budgets on one
            cost, a limit that its unit makes 0 or infinite, a range that ends below
            its beginning, two ranges, a soft budget beside a range.
    """
    budgets: list[Budget] = []
    for request in requests:
        if request.cost in (budget.cost.name for budget in budgets):
            raise InputError(f"budget {request.text!r}: {request.cost} has a budget already: give it one")
        cost = price(profile, request.cost, sources)
        limit = _limit(request, cost)
        least = None if request.least is None else _limit(request.least, cost)
        if least is not None:
            _check_order(request.text, least, limit)
        if least is not None and any(budget.least is not None for budget in budgets):
            raise InputError(
                f"budget {request.text!r}: only one budget may be a range: give this one a limit"
            )
        budgets.append(Budget(cost, limit, request.text, request.relation, least))
    found = Budgets(tuple(budgets))
    if found.range_index is not None and found.soft.each:
        soft, ranged = found.soft[0], found[found.range_index]
        raise InputError(
            f"budget {soft.text!r} is soft, and budgets beside the range {ranged.text!r} must hold at every "
            f"limit: make it hard, {soft.text.replace('~', '')}"
        )
    return found


def asks_range(budgets: Iterable[str | BudgetRequest]) -> bool:
    """Whether one of the budgets is a range.

    Raises:
        InputError: one does not read as a budget.
    """
    requests = (parse_budget(each) if isinstance(each, str) else each for each in budgets)
    return any(each.least is not None for each in requests)


def _limit(request: BudgetRequest, cost: Cost) -> float:
    """An amount in its cost's unit."""
    if request.unit != "%":
        limit = request.amount * _factor(request, cost.unit)
    elif not cost.total:
        raise InputError(
            f"budget {request.text!r}: the whole fabric costs nothing, so a share of it is no limit"
        )
    else:
        limit = cost.total * request.amount / 100
    if not 0 < limit < math.inf:  # as its unit or share makes it
        raise InputError(f"budget {request.text!r}: {_NOT_A_LIMIT}")
    return limit


def _factor(request: BudgetRequest, cost_unit: str) -> float:
    """What a request's unit, which is no share, is in a cost's unit."""
    units = _MEASURES.get(cost_unit, _COUNTS)
    measured = f"{request.cost} ({cost_unit or 'its own unit'})"
    share = f"a share of the whole fabric has a percent sign: {request.cost}={100 * request.amount:g}%"
    if request.unit in units:
        if cost_unit in _WHOLE and request.amount * units[request.unit] < 1:
            raise InputError(f"budget {request.text!r}: a limit on {measured} is at least one; {share}")
        return units[request.unit]
    known = ", ".join(unit or "none" for unit in units if unit not in _SECOND_SPELLINGS)
    if not request.unit:
        hint = f"; {share}" if request.amount < 1 else ""
        raise InputError(f"budget {request.text!r}: a limit on {measured} needs a unit: {known}, or %{hint}")
    meant = _meant_unit(request.unit, cost_unit, units)
    hint = f"; did you mean {meant!r}?" if meant else ""
    raise InputError(
        f"budget {request.text!r}: unit {request.unit!r} does not measure {measured}: use {known}, or %{hint}"
    )


def _meant_unit(unit: str, cost_unit: str, units: Mapping[str, float]) -> str:
    """The unit that another spelling stands for: `mb`, `MMACs`, `percent`; empty if
    none.
    """
    bare = unit.casefold()
    if bare in ("percent", "pct"):
        return "%"
    bare = bare.removesuffix(cost_unit.casefold()) if cost_unit not in units else bare
    meant = {"msec": "ms", "usec": "us", "sec": "s", "byte": "B", "bytes": "B"}.get(bare, bare)
    if units is _COUNTS and meant == "b":  # billions
        return "G"
    return next((known for known in units if known.casefold() == meant.casefold() and known), "")
