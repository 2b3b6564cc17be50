"""What the workers of a sweep are copied from, begun before data and fabric are read.

Importing takes as long as planning, on another core. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from bsngraph.parallel import server_ahead, usable_cores

# What a run loads when it first needs it, and all runs do.
LOADED_LATE = ("torch._dynamo", "networkx", "matplotlib.figure")

_RUN = "bsngraph.sweeping.swept_run"


def is_measured(budget: str) -> bool:
    """Whether the cost of a budget may have to be measured on the machine."""
    cost = budget.partition("=")[0].strip(" ~<").partition(":")[0]
    return cost.partition("@")[0] in ("latency", "makespan")


def workers_ahead(
    workers: int | None, ray: str | None, device: str, budgets: Iterable[str]
) -> AbstractContextManager[None]:
    """As long as the block lasts, the workers of a sweep are copies of a server that
    begins to import now, if processes of this machine may run it.

    Nothing begins where a latency may be measured first: that needs a machine at rest.
    """
    here = (usable_cores() if workers is None else workers) if ray is None else 1
    if here == 1 or device not in ("auto", "cpu") or any(map(is_measured, budgets)):
        return nullcontext()
    return server_ahead((_RUN, *LOADED_LATE))
