"""The table of costs: a name → what each sample of live edges costs.

In: a fabric's profile, a cost's name, and where a value comes from that only a machine
or a user can give (`Sources`). Out: a `Cost`. Adding a cost is one row here;
`cost_<name>` annotations of a file are costs of that name without a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs
from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps
from bsngraph.costs.user_costs import BlackBox
from bsngraph.errors import InputError, nearest
from bsngraph.profile import FabricProfile


@dataclass(frozen=True)
class Sources:
    """Where costs come from that a fabric alone does not have.

    `latencies` measures each edge in milliseconds, (edges,), when it is asked; `own`
    are the user's costs by name.
    """

    latencies: Callable[[FabricProfile], Costs] | None = None
    own: Mapping[str, BlackBox] = field(default_factory=dict)


@dataclass(frozen=True)
class CostKind:
    """A row: unit, a sentence of definition, and how it is priced: (profile, its name
    as written, sources) → Cost.

    `argument` is what follows the name and a colon, none where empty. `always`:
    reported of every network, asked for or not.
    """

    unit: str
    definition: str
    price: Callable[[FabricProfile, str, Sources], Cost]
    argument: str = ""
    always: bool = True


def _sum(
    unit: str, per_edge: Callable[[FabricProfile], Costs]
) -> Callable[[FabricProfile, str, Sources], Cost]:
    return lambda profile, name, _: AdditiveCost(name, unit, np.asarray(per_edge(profile), dtype=np.float64))


def _steps(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    return Steps(profile.fabric, profile.macs, _cores(name))


def _makespan(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    annotated = annotated_costs(profile)
    durations = annotation(profile, DURATION) if DURATION in annotated else _measured(profile, name, sources)
    transfer = annotation(profile, TRANSFER) if TRANSFER in annotated else 0.0
    return Makespan(profile.fabric, durations, _cores(name), transfer)


def _latency(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    return AdditiveCost(name, "ms", _measured(profile, name, sources))


def _measured(profile: FabricProfile, name: str, sources: Sources) -> Costs:
    if sources.latencies is None:
        raise InputError(f"cost {name!r} is measured on a device, and nothing was measured here")
    return sources.latencies(profile)


def _cores(name: str) -> int:
    number = name.partition(":")[2]
    if not (number.isascii() and number.isdigit() and 0 < int(number) <= _MOST_CORES):
        raise InputError(
            f"cost {name!r}: {number!r} is no number of cores from 1 to {_MOST_CORES}: write e.g. steps:4"
        )
    return int(number)


# Annotations that `makespan` reads, in milliseconds: how long an edge takes, and how
# long its result takes to another core.
DURATION, TRANSFER = "duration_ms", "transfer_ms"
_MOST_CORES = 1024

COSTS: dict[str, CostKind] = {
    "macs": CostKind(
        "MACs",
        "multiply-accumulates of one example's forward pass (convolutions and matrix products); the "
        "paper's computation cost",
        _sum("MACs", lambda profile: profile.macs),
    ),
    "flops": CostKind(
        "FLOPs",
        "floating point operations of one example's forward pass: 2 x MACs",
        _sum("FLOPs", lambda profile: 2 * profile.macs),
    ),
    "params": CostKind(
        "parameters",
        "trainable numbers of the edges; the paper's memory cost",
        _sum("parameters", lambda profile: profile.params),
    ),
    "bytes": CostKind(
        "bytes",
        "parameters and buffers in the type in which they are stored",
        _sum("bytes", lambda profile: profile.bytes),
    ),
    "memory": CostKind(
        "bytes",
        "peak of the activations of one float32 example, in the order in which the delivered network runs",
        lambda profile, _name, _sources: PeakMemory(profile),
    ),
    "steps": CostKind(
        "steps",
        "sequential steps when up to N edges run at once; an edge with MACs takes one, any other none; "
        "the paper's distributed cost",
        _steps,
        argument="N",
        always=False,
    ),
    "makespan": CostKind(
        "ms",
        f"time of the same schedule with measured latencies, or the file's cost_{DURATION} and "
        f"cost_{TRANSFER}, on N cores",
        _makespan,
        argument="N",
        always=False,
    ),
    "latency": CostKind(
        "ms",
        "time of the network on this device, the sum of measured edges; the chosen network is measured whole",
        _latency,
        always=False,
    ),
}


def annotated_costs(profile: FabricProfile) -> tuple[str, ...]:
    """Names of the `cost_<name>` annotations found on any edge."""
    return tuple(sorted({name for edge in profile.fabric.edges for name in edge.costs}))


def price(profile: FabricProfile, name: str, sources: Sources | None = None) -> Cost:
    """The cost called `name`: a row of the table (`steps:4` with its argument), an
    annotation, or one of the user's own.

    Raises:
        InputError: there is no such cost, some edges lack its annotation, or its
            argument is none.
    """
    sources = sources or Sources()
    kind, colon, argument = name.partition(":")
    if kind in COSTS:
        row = COSTS[kind]
        if colon and not row.argument:
            raise InputError(f"cost {name!r}: {kind} takes nothing after a colon")
        if row.argument and not argument:
            raise InputError(f"cost {name!r}: write {kind}:{row.argument}, e.g. {kind}:4")
        return row.price(profile, name, sources)
    if name in sources.own:
        return sources.own[name]
    annotated = annotated_costs(profile)
    if name not in annotated:
        raise InputError(f"there is no cost {name!r}: {nearest(name, [*COSTS, *sources.own, *annotated])}")
    return AdditiveCost(name, "", annotation(profile, name))


def annotation(profile: FabricProfile, name: str) -> Costs:
    """The `cost_<name>` of every edge: (edges,).

    Raises:
        InputError: some edges have none.
    """
    missing = [edge.name for edge in profile.fabric.edges if name not in edge.costs]
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise InputError(
            f"cost {name!r} is missing on {shown}: annotate them, or give a default `edge [cost_{name}=0]`"
        )
    return np.array([edge.costs[name] for edge in profile.fabric.edges], dtype=np.float64)


def complete_costs(profile: FabricProfile) -> tuple[Cost, ...]:
    """Every cost that this fabric has a value for: the table's that are always
    reported, and annotations that stand on every edge.
    """
    everywhere = [
        name for name in annotated_costs(profile) if all(name in edge.costs for edge in profile.fabric.edges)
    ]
    always = [name for name, kind in COSTS.items() if kind.always]
    return tuple(
        price(profile, name) for name in (*always, *(name for name in everywhere if name not in COSTS))
    )
