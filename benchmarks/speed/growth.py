"""How the stages of a search grow with the number of edges: fabrics of 100, 1,000 and
10,000 edges.

The fabrics are those of `reading.py`: a chain of nodes with three or four edges into
each. Stages are what a user waits for: reading, checking, compiling, a training step of
a sampled batch, the pool of 10,000 candidates inside a budget, choices among them by
the predictor, and the text of the drawing. Graphviz is left out.

    python -m benchmarks growth [--quick]

Times are processor seconds with one thread, the least of some runs where a stage takes
little. Memory is the largest resident memory of the process in the stage beyond what
it had before, as Linux counts it, so that torch's and numpy's are in it. Elsewhere it
is unknown. Each size has a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import click
import numpy as np
import torch

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table
from benchmarks.speed.reading import chain_text
from benchmarks.speed.sampled_step import sampled_step
from bsngraph.costs import Budget, Budgets, price
from bsngraph.draw.render import fabric_source
from bsngraph.fabric import Architecture, Booleans, Fabric, read_fabric
from bsngraph.ops.counting import operation_profile as operations
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.predicting.network_facts import FactSheet
from bsngraph.searching.choosing.predicting.pool import draw_pool
from bsngraph.searching.choosing.predicting.predictor import Places
from bsngraph.searching.choosing.propose import decision_prices
from bsngraph.supernet import compile_fabric

EDGES = (100, 1_000, 10_000)
QUICK_EDGES = (30, 60)
CANDIDATES, QUICK_CANDIDATES = 10_000, 50
BATCH, PROBABILITY = 16, 0.95
SHARE = 0.4  # of the MACs
TRAINED = 12
REPEATS = 3  # of stages that take little
LEAST = 1e-3  # of seconds or MiB: below, a measurement says nothing
RESIDENT = Path("/proc/self/status")
TABLES = {"growth": last_table()}

Result = TypeVar("Result")


class Spent(NamedTuple):
    """What a stage takes: processor seconds, and MiB beyond what was there before."""

    seconds: float
    mib: float | None


class Meter:
    """Runs stages and keeps what each takes, by its name."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}

    def run(self, name: str, action: Callable[[], Result], repeats: int = 1) -> Result:
        """What an action gives; it runs so often. Memory is that of the first time."""
        before = resident_mib(forget_peak=True)
        seconds, result = _timed(action)
        peak = resident_mib()
        for _ in range(repeats - 1):
            seconds = min(seconds, _timed(action)[0])
        self.spent[name] = Spent(seconds, None if before is None or peak is None else peak - before)
        return result


def _timed(action: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = action()
    return time.process_time() - started, result


def resident_mib(*, forget_peak: bool = False) -> float | None:
    """The peak of this process's resident memory in MiB; after forgetting it, what is
    resident now. None where Linux does not say it.
    """
    if not RESIDENT.exists():
        return None
    if forget_peak:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = RESIDENT.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def stages_of(edges: int, candidates: int, repeats: int) -> dict[str, Spent]:
    """What every stage takes with a fabric of so many edges."""
    torch.set_num_threads(1)
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        _import_everything(Path(folder))
        path = Path(folder) / "f.dot"
        path.write_text(chain_text(edges), encoding="utf-8")
        fabric = meter.run("read", lambda: read_fabric(path), repeats)
    profile = meter.run("check", lambda: _fresh_profile(fabric), repeats)
    net = meter.run("compile", lambda: compile_fabric(profile, seed=0), repeats)
    step = sampled_step(net, _images(), 10, PROBABILITY)
    step()  # gradients and momenta are there from now on
    meter.run("training step", step, repeats)
    _choose(meter, profile, candidates, repeats)
    meter.run("drawing's text", lambda: fabric_source(fabric, "chain"), repeats)
    return meter.spent


def _import_everything(folder: Path) -> None:
    """Let a small fabric go the whole way, for what is imported or made once."""
    path = folder / "small.dot"
    path.write_text(chain_text(20), encoding="utf-8")
    fabric = read_fabric(path)
    profile = profile_fabric(fabric)
    sampled_step(compile_fabric(profile, seed=0), _images(), 10, PROBABILITY)()
    _choose(Meter(), profile, 50, 1)
    fabric_source(fabric, "small")


def _fresh_profile(fabric: Fabric) -> FabricProfile:
    """Profile without what earlier profiles left in the cache."""
    operations._profile.cache_clear()
    return profile_fabric(fabric)


def _images() -> torch.Tensor:
    return torch.randn(BATCH, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def _choose(meter: Meter, profile: FabricProfile, candidates: int, repeats: int) -> None:
    """Draw candidates inside a budget of MACs, and choose the next finalist among them
    after twelve that were trained.
    """
    macs = price(profile, "macs")
    budgets = Budgets((Budget(macs, SHARE * macs.total, f"macs={SHARE:.0%}"),))
    sheet, rng = FactSheet(profile), np.random.default_rng(0)
    prices = decision_prices(profile.fabric, budgets)
    pool = meter.run("pool", lambda: draw_pool(sheet, budgets, prices, candidates, rng))
    places = meter.run("places of the pool", lambda: Places.among(sheet, pool))
    contenders, state = Contenders(pool, places, budgets), _after_trainings(pool)
    meter.run("first choice", lambda: contenders.most_promising(state, 1))
    meter.run("each further choice", lambda: contenders.most_promising(state, 1), repeats)


def _after_trainings(pool: Booleans) -> FinalistsState:
    """The first candidates as finalists that were trained, with made-up losses."""
    finalists = tuple(Finalist(Architecture.of_mask(row).live, "random") for row in pool[:TRAINED])
    losses = np.random.default_rng(1).uniform(0.5, 2.0, len(finalists)).tolist()
    return FinalistsState(finalists, tuple(Trained(loss, {}) for loss in losses))


def growth_rows(sizes: Sequence[int], found: Sequence[dict[str, Spent]]) -> list[Row]:
    """A row a stage; growth is the exponent between the last two sizes."""
    rows = []
    for stage in found[0]:
        spent = [each[stage] for each in found]
        row = {
            "stage": stage,
            **{f"{edges:,} edges, s": one.seconds for edges, one in zip(sizes, spent, strict=True)},
            "time grows to the power": _exponent(sizes, [one.seconds for one in spent]),
            **{f"{edges:,} edges, MiB": one.mib for edges, one in zip(sizes, spent, strict=True)},
            "memory grows to the power": _exponent(sizes, [one.mib for one in spent]),
        }
        rows.append({column: value for column, value in row.items() if value is not None})
    return rows


def _exponent(sizes: Sequence[int], values: Sequence[float | None]) -> float | None:
    """The slope of log value over log edges; none where memory is unknown, or
    too little was measured.
    """
    before, after = values[-2:]
    if before is None or after is None or min(before, after) < LEAST:
        return None
    return math.log(after / before) / math.log(sizes[-1] / sizes[-2])


def _alone(edges: int, candidates: int, repeats: int) -> dict[str, Spent]:
    """The stages in a process of their own."""
    code = (
        "import json; from benchmarks.speed.growth import stages_of; "
        f"print(json.dumps(stages_of({edges}, {candidates}, {repeats})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {stage: Spent(*spent) for stage, spent in json.loads(done.stdout).items()}


@click.command("growth")
@quick_option
def command(quick: bool) -> None:
    """Measure how the stages of a search grow with the number of edges.

    Example: python -m benchmarks growth --quick
    """
    if quick:
        sizes, found = QUICK_EDGES, [stages_of(edges, QUICK_CANDIDATES, 1) for edges in QUICK_EDGES]
    else:
        sizes, found = EDGES, [_alone(edges, CANDIDATES, REPEATS) for edges in EDGES]
    keep("growth", growth_rows(sizes, found), quick=quick)
