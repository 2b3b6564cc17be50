"""The table of costs: a name → what each sample of live edges costs.

In: a fabric's profile, a cost's name, and where a value comes from that only a machine
or a user can give (`Sources`). Out: a `Cost`. Adding a cost is one row here;
`cost_<name>` annotations of a file are costs of that name without a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs
from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps, cores_of
from bsngraph.errors import InputError, nearest
from bsngraph.profile import FabricProfile

if TYPE_CHECKING:
    from bsngraph.costs.user_costs import BlackBox


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
    """A row: unit, a sentence of definition, and how the cost is priced.

    `price` is (profile, the name as written, sources) → Cost.

    `argument` stands for the number of cores that follows the name and a colon; it is
    empty where nothing may follow. `always`: reported of every network, asked for or
    not. `recount` is the `module:function` by which the certificate counts the cost on
    a delivered network, independently of `price` (see certificate/counters.py); the
    certificate alone loads it. Where it is empty, the certificate prices the delivered
    network by itself.
    """

    unit: str
    definition: str
    price: Callable[[FabricProfile, str, Sources], Cost]
    argument: str = ""
    always: bool = True
    recount: str = ""


def _sum(
    unit: str, per_edge: Callable[[FabricProfile], Costs]
) -> Callable[[FabricProfile, str, Sources], Cost]:
    return lambda profile, name, _: AdditiveCost(name, unit, np.asarray(per_edge(profile), dtype=np.float64))


def _steps(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    return Steps(profile.fabric, profile.macs, cores_of(name))


def _makespan(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    annotated = annotated_costs(profile)
    durations = annotation(profile, DURATION) if DURATION in annotated else _measured(profile, name, sources)
    transfer = annotation(profile, TRANSFER) if TRANSFER in annotated else 0.0
    return Makespan(profile.fabric, durations, cores_of(name), transfer)


def _latency(profile: FabricProfile, name: str, sources: Sources) -> Cost:
    return AdditiveCost(name, "ms", _measured(profile, name, sources))


def _measured(profile: FabricProfile, name: str, sources: Sources) -> Costs:
    if sources.latencies is None:
        raise InputError(f"cost {name!r} is measured on a device, and nothing was measured here")
    return sources.latencies(profile)


# Annotations that `makespan` reads, in milliseconds: how long an edge takes, and how
# long its result takes to another core.
DURATION, TRANSFER = "duration_ms", "transfer_ms"
_COUNTERS = "bsngraph.certificate.counters"

COSTS: dict[str, CostKind] = {
    "macs": CostKind(
        "MACs",
        "multiply-accumulates of one example's forward pass (convolutions and matrix products); the "
        "paper's computation cost",
        _sum("MACs", lambda profile: profile.macs),
        recount=f"{_COUNTERS}:macs",
    ),
    "flops": CostKind(
        "FLOPs",
        "floating point operations of one example's forward pass: 2 x MACs",
        _sum("FLOPs", lambda profile: 2 * profile.macs),
        recount=f"{_COUNTERS}:flops",
    ),
    "params": CostKind(
        "parameters",
        "trainable numbers of the edges; the paper's memory cost",
        _sum("parameters", lambda profile: profile.params),
        recount=f"{_COUNTERS}:params",
    ),
    "bytes": CostKind(
        "bytes",
        "parameters and buffers in the type in which they are stored",
        _sum("bytes", lambda profile: profile.bytes),
        recount=f"{_COUNTERS}:stored_bytes",
    ),
    "memory": CostKind(
        "bytes",
        "peak of the activations of one float32 example, in the order in which the delivered network runs",
        lambda profile, _name, _sources: PeakMemory(profile),
        recount=f"{_COUNTERS}:memory",
    ),
    "steps": CostKind(
        "steps",
        "sequential steps when up to N edges run at once; an edge with MACs takes one, any other none; "
        "the paper's distributed cost",
        _steps,
        argument="N",
        always=False,
        recount=f"{_COUNTERS}:steps",
    ),
    "makespan": CostKind(
        "ms",
        f"time of the same schedule with measured latencies, or the file's cost_{DURATION} and "
        f"cost_{TRANSFER}, on N cores",
        _makespan,
        argument="N",
        always=False,
        recount=f"{_COUNTERS}:makespan",
    ),
    "latency": CostKind(
        "ms",
        "time of the network on this device, the sum of measured edges; the chosen network is measured whole",
        _latency,
        always=False,
        recount=f"{_COUNTERS}:latency",
    ),
    "latency@onnx": CostKind(
        "ms",
        "the same where onnxruntime runs the network on this machine's CPU, and not torch",
        _latency,
        always=False,
        recount=f"{_COUNTERS}:onnx_latency",
    ),
}


def check_argument(name: str) -> None:
    """Whether a name of the table is followed by what its row asks for: `steps:4`.

    Raises:
        InputError: it is not.
    """
    kind, colon, argument = name.partition(":")
    wanted = COSTS[kind].argument
    if colon and not wanted:
        raise InputError(f"cost {name!r}: {kind} takes nothing after a colon")
    if wanted and not argument:
        raise InputError(f"cost {name!r}: write {kind}:{wanted}, e.g. {kind}:4")
    if wanted:
        cores_of(name)


def has_row(name: str) -> bool:
    """Whether the table has a row for a name, and what follows its colon is valid."""
    if name.partition(":")[0] not in COSTS:
        return False
    try:
        check_argument(name)
    except InputError:
        return False
    return True


def annotated_costs(profile: FabricProfile) -> tuple[str, ...]:
    """Names of the `cost_<name>` annotations found on any edge."""
    return tuple(sorted({name for edge in profile.fabric.edges for name in edge.costs}))


def price(profile: FabricProfile, name: str, sources: Sources | None = None) -> Cost:
    """The cost called `name`: of the table, of an annotation, or of the user's own.

    A name of the table may have an argument: `steps:4`.

    Raises:
        InputError: there is no such cost, some edges lack its annotation, an annotation
            bears the name of a row, or what follows its colon is invalid.
    """
    sources = sources or Sources()
    kind = name.partition(":")[0]
    if kind in COSTS:
        check_argument(name)
        if kind in annotated_costs(profile):
            raise InputError(
                f"cost {kind!r} is computed, and the fabric annotates cost_{kind}: give the annotation "
                "another name, or remove it"
            )
        return COSTS[kind].price(profile, name, sources)
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
    """Every cost that this fabric has a value for.

    These are the rows of the table that are always reported, and the annotations that
    stand on every edge.
    """
    everywhere = [
        name for name in annotated_costs(profile) if all(name in edge.costs for edge in profile.fabric.edges)
    ]
    always = [name for name, kind in COSTS.items() if kind.always]
    return tuple(
        price(profile, name) for name in (*always, *(name for name in everywhere if name not in COSTS))
    )
