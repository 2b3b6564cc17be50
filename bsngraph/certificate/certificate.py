"""certificate.json: what a delivered network costs, counted anew on the network itself,
and whether its budgets are met.

In: a run folder's architecture.dot and model.safetensors, the budgets, and what a
machine or a user must give (conditions of a latency, durations, functions). Out: a
`Certificate`, which `verify_certificate` (verification.py) checks against the files at
any time. All but a latency, the date, and the hashes of files that tell seconds is the
same whenever it is made.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import pkgutil
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import msgspec
import torch

from bsngraph.certificate.counters import CountedAmount
from bsngraph.costs.table import COSTS, Sources, has_row
from bsngraph.costs.user_costs import TIMEOUT_S, BlackBox, CostFunction
from bsngraph.delivered import load_network
from bsngraph.delivered.network_files import file_hash, weights_hash
from bsngraph.errors import InputError
from bsngraph.measure import Timing, device_name
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import (
    COVERED,
    BudgetClaim,
    Certificate,
    CountedCost,
    JudgedBudget,
    MeasuredOn,
)
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.supernet import SuperNet
from bsngraph.typed_files import plain

# A sum may round differently when its terms are added in another order.
ROUNDING = 1e-9

MeasureWhole = Callable[[SuperNet], Timing]


@dataclass(frozen=True)
class Means:
    """What costs need that are not in the network's files.

    `device`, `threads`, `batch`: of a latency. `durations_ms`: of edges by name, for
    makespan:N where the file has none. `own`: the user's functions by the cost's name.
    `measure`: takes the place of the clock. `promised`: latencies of a device that is
    not here, whose sum and spread stand for a measurement.
    """

    device: torch.device | str = "cpu"
    threads: int | None = None
    batch: int = 1
    durations_ms: Mapping[str, float] | None = None
    own: Mapping[str, CostFunction] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S
    measure: MeasureWhole | None = None
    promised: LatenciesRow | None = None


def make_certificate(folder: Path, budgets: Sequence[BudgetClaim], means: Means | None = None) -> Certificate:
    """The certificate of the network that a run folder delivers, with the hashes of
    the files that are there.

    Raises:
        InputError: the network's files are missing or do not fit each other, or a
            budget is on a cost that cannot be counted with `means`.
    """
    means = with_promised(means or Means(), RunFolder(folder))
    net = load_network(folder)
    costs = recount(net, [budget.cost for budget in budgets], means)
    missing = [budget.text for budget in budgets if budget.cost not in costs]
    if missing:
        raise InputError(
            f"nothing is known that counts the cost of {', '.join(missing)}: name its function, or "
            "measure its durations"
        )
    unsealed = Certificate(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device=MeasuredOn(name=str(means.device), model=device_name(torch.device(means.device))),
        files={name: file_hash(folder / name) for name in COVERED if (folder / name).exists()},
        weights=weights_hash(net),
        costs=costs,
        budgets=tuple(judge_budget(budget, costs[budget.cost].value) for budget in budgets),
        seal="",
    )
    return sealed(unsealed)


def with_promised(means: Means, run: RunFolder) -> Means:
    """The means with the latencies of another device that the run counted with, if it
    did.

    Raises:
        InputError: latencies.json is damaged.
    """
    if not run.file("latencies.json").exists():
        return means
    table = run.read_latencies()
    return means if table.spread is None else replace(means, promised=table)


def covering(certificate: Certificate, name: str, content: str) -> Certificate:
    """The certificate with the hash of a file that is yet to be written: result.json is
    the last that a run writes.
    """
    digest = hashlib.sha256(content.encode("utf-8")).hexdigest()
    return sealed(msgspec.structs.replace(certificate, files=certificate.files | {name: digest}))


def recount(net: SuperNet, asked: Sequence[str], means: Means) -> dict[str, CountedCost]:
    """Every cost of a network; of those in `asked` that take time or code, what `means`
    allow.
    """
    fabric = net.fabric
    found = {}
    for name in (name for name, kind in COSTS.items() if kind.always):
        entry = count_asked(net, name, means)
        if entry is not None:
            found[name] = entry
    for name in sorted({name for edge in fabric.edges for name in edge.costs}):
        if all(name in edge.costs for edge in fabric.edges):
            value = sum(edge.costs[name] for edge in fabric.edges)
            found[name] = _entry(CountedAmount(value, f"the cost_{name} of the file's edges"), "")
    for name in dict.fromkeys(asked):
        if name not in found and (entry := count_asked(net, name, means)) is not None:
            found[name] = entry
    return found


def judge_budget(budget: BudgetClaim, value: float) -> JudgedBudget:
    """A budget with the cost counted, what is left of it, and whether it is met; a soft
    one need not be.
    """
    return JudgedBudget(
        budget.text,
        budget.cost,
        budget.limit,
        budget.relation,
        value=value,
        slack=budget.limit - value,
        met=value <= budget.limit * (1 + ROUNDING) if budget.relation == "<=" else None,
    )


def sealed(certificate: Certificate) -> Certificate:
    """The certificate with its seal."""
    return msgspec.structs.replace(certificate, seal=seal(certificate))


def seal(certificate: Certificate) -> str:
    """SHA-256 over everything else that a certificate says: it tells a change by
    accident, not one by somebody who seals it again.
    """
    rest = {name: value for name, value in plain(certificate).items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """What a certificate was made with."""
    return {
        "bsngraph": version("bsngraph"),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def count_asked(net: SuperNet, name: str, means: Means) -> CountedCost | None:
    """A cost of the table or of the user's own; None where there is none of that name,
    or the means for it are not given. A row that names no way to count it is priced
    anew on the delivered network alone.

    Raises:
        InputError: the device is not here, a duration is missing, or the user's
            function fails.
    """
    kind, _, argument = name.partition(":")
    if has_row(name):
        row = COSTS[kind]
        if not row.recount:
            value = row.price(net.profile, name, Sources()).total
            return _entry(CountedAmount(value, "its own formula on the delivered network"), row.unit)
        counted: CountedAmount | None = pkgutil.resolve_name(row.recount)(net, argument, means)
        return None if counted is None else _entry(counted, row.unit)
    if name in means.own:
        box = BlackBox(name, means.own[name], net.profile, timeout_s=means.timeout_s)
        counted = CountedAmount(box.total, "the user's function on the delivered graph", {"code": box.code})
        return _entry(counted, "")
    return None


def _entry(counted: CountedAmount, unit: str) -> CountedCost:
    said = {"value": counted.value, "unit": unit, "by": counted.by, **counted.more}
    return msgspec.convert(said, CountedCost)
