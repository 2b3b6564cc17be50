"""Deliver a front: its networks' files, every cost counted anew on these, and who
answers for which limit.

It comes before test data is read, like the certificate of the network that a run
delivers, and shares the way of counting with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bsngraph.certificate.certificate import judge_budget, recount, with_promised
from bsngraph.costs import amount
from bsngraph.delivered.network_files import network_from
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import write_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.front import NETWORK_FILES
from bsngraph.searching.deliverable import Deliverable, validated
from bsngraph.searching.delivering.certify import claims_of, means_of
from bsngraph.searching.delivering.weights_file import write_weights
from bsngraph.searching.fronts.answers import Standing, answers_for
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress, Score


@dataclass(frozen=True, eq=False)
class FrontNetwork:
    """A network of a front: its graph file in the run folder, what was counted on its
    files, and how it does on validation data.
    """

    file: str
    network: Deliverable
    costs: Mapping[str, float]
    validation: Score


@dataclass(frozen=True, eq=False)
class DeliveredFront:
    """For each limit of the front the network that answers for it, None if none is
    inside.
    """

    cost: str
    unit: str
    limits: tuple[float, ...]
    answers: tuple[FrontNetwork | None, ...]

    @property
    def main(self) -> Deliverable:
        """The network at the upper limit."""
        assert self.answers[-1] is not None
        return self.answers[-1].network

    @property
    def networks(self) -> tuple[FrontNetwork, ...]:
        """The distinct networks, the cheapest first."""
        return tuple({each.file: each for each in self.answers if each is not None}.values())


def deliver_front(
    job: Job, run: RunFolder, ready: Sequence[Deliverable], progress: Progress
) -> DeliveredFront | None:
    """Write and judge the networks of the job's range; None without a range. The last
    answer is the network at the upper limit.

    Raises:
        InfeasibleBudgetError: none is inside the upper limit, as may happen with a
            latency that is measured again.
    """
    index = job.budgets.range_index
    if index is None:
        return None
    cost, limits = job.budgets[index].cost, job.budgets.front_limits
    _remove_files(run)
    run.file(NETWORK_FILES[0]).parent.mkdir(exist_ok=True)
    graphs = [name for name in NETWORK_FILES if name.endswith(".dot")]
    written = [_written(job, run, file, each, progress) for file, each in zip(graphs, ready, strict=False)]
    inside = [each for each in written if _meets_the_others(job, cost.name, each)]
    found = answers_for(limits, [_standing(each, cost.name) for each in inside])
    front = DeliveredFront(
        cost.name, cost.unit, limits, tuple(None if one is None else inside[one] for one in found)
    )
    if front.answers[-1] is None:
        best = min(each.costs[cost.name] for each in written)
        raise InfeasibleBudgetError(
            f"no network of the front is inside {job.budgets[index].text}: the best found takes "
            f"{amount(best, cost)}; was the machine busy? --resume measures it once more, `bsngraph prune` "
            "chooses another"
        )
    _remove_files(run, {each.file for each in front.networks})
    return front


def _written(job: Job, run: RunFolder, file: str, one: Deliverable, progress: Progress) -> FrontNetwork:
    """A network in its files, and what is counted on them."""
    graph, weights = run.file(file), run.file(file.replace(".dot", ".safetensors"))
    write_fabric(one.net.profile.annotated(), graph)
    write_weights(job, weights, one.net)
    means = with_promised(means_of(_at_its_cost(job, one), progress), run)
    counted = recount(network_from(graph, weights), [budget.cost.name for budget in job.budgets], means)
    costs = {name: float(entry.value) for name, entry in counted.items()}
    return FrontNetwork(file, one, costs, validated(job, one))


def _at_its_cost(job: Job, one: Deliverable) -> Job:
    """The job at the least limit of the front that the network is meant for, inside
    which a latency is to be measured.
    """
    budget = job.budgets[job.budgets.range_index or 0]
    estimate = float(budget.cost.of(one.architecture.mask[None])[0])
    meant = next((each for each in job.budgets.front_limits if estimate <= each), budget.limit)
    return replace(job, budgets=job.budgets.at_limit(meant))


def _meets_the_others(job: Job, ranged: str, one: FrontNetwork) -> bool:
    """Whether a network is inside the hard budgets beside the range."""
    judged = [judge_budget(claim, one.costs[claim.cost]) for claim in claims_of(job) if claim.cost != ranged]
    return all(each.met is not False for each in judged)


def _standing(one: FrontNetwork, cost: str) -> Standing:
    headline = one.validation.headline
    shown = one.validation.metrics[headline.name]
    return Standing(one.costs[cost], shown if headline.higher_is_better else -shown, one.validation.loss)


def _remove_files(run: RunFolder, but: Collection[str] = ()) -> None:
    """Remove the networks of a front that do not answer for any limit."""
    for name in NETWORK_FILES:
        if f"{name.rpartition('.')[0]}.dot" not in but:
            run.file(name).unlink(missing_ok=True)
