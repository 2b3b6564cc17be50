"""front.csv and its pictures: the one place where test data is read for a front."""

from __future__ import annotations

import numpy as np

from bsngraph.errors import BsngraphError
from bsngraph.runs import RunFolder
from bsngraph.runs.fronts import draw_front
from bsngraph.runs.rows.front import Front, FrontRow, front_text
from bsngraph.searching.fronts.deliver_front import DeliveredFront, FrontNetwork
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress, Score, evaluate_net
from bsngraph.whole_files import write_whole


def write_front(job: Job, run: RunFolder, front: DeliveredFront, main_test: Score, progress: Progress) -> str:
    """Measure the networks on test data, and write front.csv, whose text comes back,
    and its pictures. `main_test` is what the network at the upper limit gave.
    """
    tests = {one.file: _tested(job, one) for one in front.networks if one.network is not front.main}
    rows = [
        FrontRow(limit=limit) if one is None else _row(limit, one, tests.get(one.file, main_test))
        for limit, one in zip(front.limits, front.answers, strict=True)
    ]
    metric = main_test.headline.name
    recorded = Front(cost=front.cost, unit=front.unit, metric=metric, rows=tuple(rows))
    text = front_text(recorded)
    write_whole(run.file("front.csv"), text)
    try:
        for name in ("front.svg", "front.png"):
            draw_front(recorded, run.file(name))
    except BsngraphError as error:  # no matplotlib: the table matters more
        progress.note(str(error))
    return text


def _tested(job: Job, one: FrontNetwork) -> Score:
    net = one.network.net
    return evaluate_net(net, job.dataset, job.dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_))


def _row(limit: float, one: FrontNetwork, test: Score) -> FrontRow:
    return FrontRow(
        limit=limit,
        architecture=one.file,
        weights=one.network.weights,
        costs=dict(one.costs),
        validation=_numbers(one.validation),
        test=_numbers(test),
    )


def _numbers(score: Score) -> dict[str, float]:
    return {**score.metrics, "loss": score.loss}
