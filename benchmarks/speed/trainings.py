"""The trainings that a choice spends: one after another against side by side.

The finalists of `fabrics/digits.dot` under 25 % of its MACs, as a search trains them:
the first third at once, then two at a time, each in one thread. The seconds hold
everything but the search before: the start of the processes, and what decides on the
next finalists.

python -m benchmarks trainings [--quick] [--repeats 5]
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, ratio
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table
from bsngraph.fabric import Architecture, read_fabric
from bsngraph.measure import find_hardware
from bsngraph.parallel import usable_cores
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.choosing.finalists.train_finalists import train_finalists
from bsngraph.searching.choosing.shortlist import contenders_inside, first_count
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import SearchSettings
from bsngraph.training import Silent

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
BUDGET = "macs=25%"
TABLES = {"trainings": last_table()}


def job_of(settings: SearchSettings) -> Job:
    with tempfile.TemporaryDirectory() as folder:
        return prepare(
            read_fabric(DIGITS),
            Goal(data="digits", budgets=(BUDGET,)),
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


@click.command("trainings")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure the trainings of a choice, one after another and side by side.

    Example: python -m benchmarks trainings --quick
    """
    usual = SearchSettings()
    job = job_of(SearchSettings(finalists=3, finalist_epochs=1) if quick else usual)
    contenders, workers = contenders_inside(job, job.budgets), usable_cores()
    alone, together = in_turn(
        [lambda: side_by_side(job, contenders, 1), lambda: side_by_side(job, contenders, workers)],
        repeats_of(repeats, quick=quick, usual=5),
        warm=0,
    )
    row: Row = {
        "trainings": f"{job.settings.finalists} of {job.settings.finalist_epochs} epochs",
        "workers": workers,
        "one after another (s)": statistics.median(alone),
        "side by side (s)": statistics.median(together),
        "ratio": ratio(together, alone),
    }
    keep("trainings", [row], quick=quick)
