"""What a run says at its end of budgets that were not pursued: a line each, with what
to do.

In: the job, the epochs of its search, and result.json's costs. Out: lines for people,
which result.json keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bsngraph.costs import Budget
from bsngraph.runs import Json
from bsngraph.runs.rows.epochs import EpochRow, SearchRow
from bsngraph.searching.deliverable import Deliverable
from bsngraph.searching.prepare import Job
from bsngraph.wording import quantity

#: Samples of Γ that cost more budgets than this in the last epoch have not followed.
FOLLOWED = 1.25

#: A network that spends less of every budget than this may have been found too early.
SPENT = 1 / 3

#: A larger mean error of the sum of edges says little of a latency budget.
TRUSTED_ERROR = 0.2


def remarks(job: Job, rows: Sequence[EpochRow], costs: Json) -> list[str]:
    """The lines of a run; `costs` are those of result.json."""
    searched = [row for row in rows if isinstance(row, SearchRow)]
    lines = [
        line
        for budget in job.budgets
        if not budget.slack and searched and (line := _gamma_remark(job, searched, budget))
    ]
    return [*lines, *_spending_remark(job, costs, searched=bool(searched)), *_latency_remark(job)]


def weights_remark(job: Job, delivered: Deliverable) -> Iterator[str]:
    """Where weights are from that were not fine-tuned, and what trains them further."""
    count = job.settings.finalist_epochs
    said = {
        "inherited": "the weights are inherited from the super-network",
        "trained": f"the weights are those of {count} epoch{'s' if count > 1 else ''} as a finalist",
    }
    if delivered.weights in said and not job.settings.finetune_epochs:
        yield f"{said[delivered.weights]}: --finetune-epochs N trains them further"


def _gamma_remark(job: Job, rows: Sequence[SearchRow], budget: Budget) -> str | None:
    """Whether Γ came down to a budget, and what brings it down. Samples of a range are
    held against the limits that they were drawn for.
    """
    name = budget.cost.name
    cost = rows[-1].costs[name]
    spent = cost.sampled / budget.limit if budget.least is None else 1 + rows[-1].excess[name]
    if spent <= FOLLOWED:
        return None
    whole = cost.thresholded >= budget.cost.total * (1 - 1e-9)
    over = f"{quantity(cost.thresholded)}, {cost.thresholded / budget.limit:.1f} budgets"
    half = "still the whole fabric" if whole else over
    return (
        f"Γ did not come down to {budget.text}: at the end of the search its samples cost "
        f"{spent:.1f} budgets, and Γ > ½ was {half}. The network was chosen "
        f"without its help: {_slow_gamma_cure(job, rows)}"
    )


def _slow_gamma_cure(job: Job, rows: Sequence[SearchRow]) -> str:
    learned = [row for row in rows if not row.burn_in]
    if not learned:
        return "burn-in took every epoch; lower --burn-in"
    if not job.settings.adapt_penalty:
        return f"λ stayed at {job.settings.penalty:g}; raise --penalty, or adapt it by --penalty auto"
    steps = len(learned) * max(1, len(job.dataset.train) // job.recipe.batch_size)
    return (
        f"it had about {steps:,} steps to learn in; give it more by --epochs {2 * job.recipe.epochs} or a "
        "smaller --batch-size, or raise --edge-learning-rate"
    )


def _spending_remark(job: Job, costs: Json, *, searched: bool) -> Iterator[str]:
    """Whether the network leaves most of every hard budget unspent."""
    hard = [budget for budget in job.budgets.hard if not budget.slack]
    shares = [costs[budget.cost.name]["value"] / budget.limit for budget in hard]
    if not hard or max(shares) >= SPENT:
        return
    parts = zip(shares, hard, strict=True)
    told = " and ".join(f"{100 * share:.1f} % of {budget.text}" for share, budget in parts)
    more = (
        "raise --finalists and --candidates, or --epochs"
        if searched
        else "search again with more --finalists"
    )
    yield (
        f"the network spends {told}: of those compared, none that spends more was judged better. To compare "
        f"more of them {more}; or ask for a smaller budget"
    )


def _latency_remark(job: Job) -> Iterator[str]:
    """Whether the sum of edges says what whole networks take."""
    table = job.latencies
    if table is None or table.spread is not None:  # a spread is in what is promised
        return
    error = table.calibration.error
    if error is not None and error >= TRUSTED_ERROR:
        yield (
            f"the sum of edges' latencies misses whole networks by {100 * error:.0f} % on average: the "
            "search knew latency only roughly, and the network delivered was measured whole. For a better "
            "sum search on a quiet machine, with --threads 1 or a larger --latency-batch"
        )
