"""The trainings that a choice spends: one after another against side by side.

The finalists of two fabrics under 25 % of their MACs, as a search trains them: the
first third at once, then two at a time, each in one thread. The seconds hold what
decides on the next finalists. "Side by side" holds the start of the processes;
"begun before" is what a search does, whose processes begin while it learns.

python -m benchmarks trainings [--quick] [--repeats 3] [--on digits]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, ratio, seconds
from benchmarks.shared.options import quick_option, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import newest_table
from bsngraph.fabric import Architecture, read_fabric
from bsngraph.measure import find_hardware
from bsngraph.parallel import server_ahead, usable_cores
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.choosing.finalists.train_finalists import train_finalists
from bsngraph.searching.choosing.shortlist import contenders_inside, first_count
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import SearchSettings
from bsngraph.training import Silent
from bsngraph.training.side_by_side import TRAINING_MODULES

FABRICS = Path(__file__).parents[2] / "fabrics"
BUDGET = "macs=25%"
BEGUN_BEFORE_S = 8.0
TABLES = {"trainings": newest_table("fabric")}


@dataclass(frozen=True)
class Trained:
    """A fabric, the data that its networks learn, and how many learn how long."""

    fabric: str
    data: str
    settings: SearchSettings


TRAINED = {
    "digits": Trained("digits", "digits", SearchSettings()),
    "fashion-mnist": Trained(
        "resnet-1x14x14",
        "fashion-mnist,size=14,train=2000,validation=500",
        SearchSettings(finalists=6, finalist_epochs=4),
    ),
}


def job_of(fabric: str, data: str, settings: SearchSettings) -> Job:
    with tempfile.TemporaryDirectory() as folder:
        return prepare(
            read_fabric(FABRICS / f"{fabric}.dot"),
            Goal(data=data, budgets=(BUDGET,)),
            Method(settings=settings),
            find_hardware("cpu"),
            Destination(Path(folder) / "run"),
            Silent(),
        )


def side_by_side(job: Job, contenders: Contenders, workers: int) -> FinalistsState:
    """The finalists trained by so many workers, the first ones random."""
    first = contenders.live[: first_count(job.settings)]
    state = FinalistsState(tuple(Finalist(Architecture.of_mask(row).live, "random") for row in first))
    job = replace(job, hardware=replace(job.hardware, workers=workers))

    def following(now: Contenders, state: FinalistsState) -> tuple[Contenders, Finalist | None]:
        return now, next(iter(now.most_promising(state, 1)), None)

    nowhere = Path("checkpoint.pt")
    return train_finalists(job, contenders, state, following, nowhere, lambda row, state: None, Silent())


def row_of(what: Trained, repeats: int) -> Row:
    for module in TRAINING_MODULES:
        import_module(module)  # as a search has when it comes to its finalists
    job = job_of(what.fabric, what.data, what.settings)
    contenders, workers = contenders_inside(job, job.budgets), usable_cores()
    alone, together = in_turn(
        [lambda: side_by_side(job, contenders, 1), lambda: side_by_side(job, contenders, workers)],
        repeats,
        warm=0,
    )
    before = []
    for _ in range(repeats):
        with server_ahead(TRAINING_MODULES):
            time.sleep(BEGUN_BEFORE_S)
            before.append(seconds(lambda: side_by_side(job, contenders, workers)))
    return {
        "fabric": what.fabric,
        "trainings": f"{job.settings.finalists} of {job.settings.finalist_epochs} epochs",
        "workers": workers,
        "one after another (s)": statistics.median(alone),
        "side by side (s)": statistics.median(together),
        "times as fast": 1 / ratio(together, alone),
        "begun before (s)": statistics.median(before),
        "times as fast, begun before": 1 / ratio(before, alone),
    }


@click.command("trainings")
@quick_option
@repeats_option
@click.option("--on", "chosen", type=click.Choice(list(TRAINED)), help="One of the fabrics alone.")
def command(quick: bool, repeats: int | None, chosen: str | None) -> None:
    """Measure the trainings of a choice, one after another and side by side.

    Example: python -m benchmarks trainings --quick
    """
    asked = [TRAINED[chosen]] if chosen else list(TRAINED.values())
    if quick:
        asked = [replace(TRAINED["digits"], settings=SearchSettings(finalists=3, finalist_epochs=1))]
    keep("trainings", [row_of(what, repeats or (1 if quick else 3)) for what in asked], quick=quick)
