"""certificate.json: what a delivered network costs, counted anew on the network itself,
and whether its budgets are met.

In: a run folder's architecture.dot and model.safetensors, the budgets, and what a
machine or a user must give (conditions of a latency, durations, functions). Out: a JSON
object, which `verify_certificate` (verification.py) checks against the files at any
time. All but a latency and the date is the same whenever it is made.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from bsngraph.certificate.recount import count_bytes, count_macs, count_memory, count_params
from bsngraph.certificate.simulation import simulate
from bsngraph.costs.table import DURATION, TRANSFER
from bsngraph.costs.user_costs import TIMEOUT_S, BlackBox, CostFunction
from bsngraph.delivered import load_network
from bsngraph.delivered.network_files import GRAPH, WEIGHTS, file_hash, weights_hash
from bsngraph.errors import InputError
from bsngraph.measure import Timing, conditions_here, device_name, measure_network
from bsngraph.supernet import SuperNet

CERTIFICATE = "certificate.json"
FORMAT = 1
# A sum may round differently when its terms are added in another order.
ROUNDING = 1e-9

Json = dict[str, Any]
MeasureWhole = Callable[[SuperNet], Timing]


@dataclass(frozen=True)
class BudgetClaim:
    """A budget as a run states it: `limit` in the cost's unit; `~=` is a wish, which
    need not be met.
    """

    text: str
    cost: str
    limit: float
    relation: Literal["<=", "~="] = "<="


@dataclass(frozen=True)
class Means:
    """What costs need that are not in the network's files.

    `device`, `threads`, `batch`: of a latency. `durations_ms`: of edges by name, for
    makespan:N where the file has none. `own`: the user's functions by the cost's name.
    `measure`: takes the place of the clock.
    """

    device: torch.device | str = "cpu"
    threads: int | None = None
    batch: int = 1
    durations_ms: Mapping[str, float] | None = None
    own: Mapping[str, CostFunction] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S
    measure: MeasureWhole | None = None


def make_certificate(folder: Path, budgets: Sequence[BudgetClaim], means: Means | None = None) -> Json:
    """The certificate of the network that a run folder delivers.

    Raises:
        InputError: the network's files are missing or do not fit each other, or a
            budget is on a cost that cannot be counted with `means`.
    """
    means = means or Means()
    net = load_network(folder)
    costs = recount(net, [budget.cost for budget in budgets], means)
    missing = [budget.text for budget in budgets if budget.cost not in costs]
    if missing:
        raise InputError(
            f"nothing is known that counts the cost of {', '.join(missing)}: name its function, or "
            "measure its durations"
        )
    certificate = {
        "format": FORMAT,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "device": {"name": str(means.device), "model": device_name(torch.device(means.device))},
        "files": {name: file_hash(folder / name) for name in (GRAPH, WEIGHTS)},
        "weights": weights_hash(net),
        "costs": costs,
        "budgets": [judge(budget, costs[budget.cost]["value"]) for budget in budgets],
    }
    return certificate | {"seal": seal(certificate)}


def recount(net: SuperNet, asked: Sequence[str], means: Means) -> dict[str, Json]:
    """Every cost of a network: `value`, `unit`, `by` what it is counted; of those in
    `asked` that take time or code, what `means` allow.
    """
    profile = net.profile
    macs = count_macs(profile)
    found = {
        "macs": _entry(macs, "MACs", "torch's flop counter on the whole network"),
        "flops": _entry(2 * macs, "FLOPs", "torch's flop counter on the whole network"),
        "params": _entry(count_params(net), "parameters", "the network's parameters"),
        "bytes": _entry(count_bytes(net), "bytes", "the network's parameters and buffers"),
        "memory": _entry(
            count_memory(profile), "bytes", "the tensors alive during a pass of the whole network"
        ),
    }
    names = {name for edge in profile.fabric.edges for name in edge.costs}
    for name in sorted(names):
        if all(name in edge.costs for edge in profile.fabric.edges):
            found[name] = _entry(
                sum(edge.costs[name] for edge in profile.fabric.edges),
                "",
                f"the cost_{name} of the file's edges",
            )
    for name in dict.fromkeys(asked):
        if name not in found and (entry := count_asked(net, name, means)) is not None:
            found[name] = entry
    return found


def judge(budget: BudgetClaim, value: float) -> Json:
    """A budget with the cost counted, what is left of it, and whether it is met (None:
    it is a wish).
    """
    met = value <= budget.limit * (1 + ROUNDING) if budget.relation == "<=" else None
    return asdict(budget) | {"value": value, "slack": budget.limit - value, "met": met}


def seal(certificate: Mapping[str, Any]) -> str:
    """SHA-256 over everything else that a certificate says: it tells a change by
    accident, not one by somebody who seals it again.
    """
    rest = {name: value for name, value in certificate.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """What a certificate was made with."""
    return {"bsngraph": version("bsngraph"), "torch": torch.__version__, "python": platform.python_version()}


def count_asked(net: SuperNet, name: str, means: Means) -> Json | None:
    """A cost that is not always counted; None where the means for it are not given.

    Raises:
        InputError: the device is not here, a duration is missing, or the user's
            function fails.
    """
    kind, _, argument = name.partition(":")
    fabric = net.fabric
    if kind == "latency":
        return _latency(net, means)
    if kind == "steps" and argument.isdecimal():
        works = [float(macs > 0) for macs in net.profile.macs]
        return _entry(simulate(fabric, works, int(argument)), "steps", "a simulation of the graph")
    if kind == "makespan" and argument.isdecimal():
        return _makespan(net, int(argument), means)
    if name in means.own:
        box = BlackBox(name, means.own[name], net.profile, timeout_s=means.timeout_s)
        return _entry(box.total, "", "the user's function on the delivered graph") | {"code": box.code}
    return None


def _makespan(net: SuperNet, cores: int, means: Means) -> Json | None:
    """With the file's own durations, or else those of `means`."""
    edges = net.fabric.edges
    annotated = all(DURATION in edge.costs for edge in edges)
    known = {edge.name: edge.costs[DURATION] for edge in edges} if annotated else means.durations_ms
    if known is None:
        return None
    missing = [edge.name for edge in edges if edge.name not in known]
    if missing:
        raise InputError(
            f"makespan: there is no duration of {', '.join(missing[:8])}: measure the edges again"
        )
    durations = [known[edge.name] for edge in edges]
    transfers = [edge.costs.get(TRANSFER, 0.0) for edge in edges]
    entry = _entry(
        simulate(net.fabric, durations, cores, transfers),
        "ms",
        "a simulation of the graph with the durations of its edges",
    )
    return (
        entry
        if annotated
        else entry | {"durations_ms": dict(zip((edge.name for edge in edges), durations, strict=True))}
    )


def _latency(net: SuperNet, means: Means) -> Json:
    """The network measured whole, which may move it to another device and back."""
    conditions = conditions_here(means.device, threads=means.threads, batch=means.batch)
    if means.measure is not None:
        timing = means.measure(net)
    else:
        timing = measure_network(net, device=means.device, threads=conditions.threads, batch=means.batch)
        net.cpu()
    entry = _entry(timing.median_ms, "ms", "a measurement of the whole network")
    return entry | {
        "low": timing.low_ms,
        "high": timing.high_ms,
        "runs": timing.runs,
        "conditions": asdict(conditions),
    }


def _entry(value: float, unit: str, by: str) -> Json:
    return {"value": value, "unit": unit, "by": by}
