"""A delivered network measured again on test data, from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.costs import complete_costs
from bsngraph.data import Dataset
from bsngraph.delivered.answering import AnsweringOf, score_of_answers
from bsngraph.delivered.load import load_delivered
from bsngraph.delivered.named_data import named_data
from bsngraph.delivered.prepare import prepared_data
from bsngraph.delivered.recording.recorder import recorder_of, watching
from bsngraph.measure import find_hardware
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.answers import AnyAnswers
from bsngraph.training import Score, evaluate_net


@dataclass(frozen=True)
class Evaluation:
    """A delivered network measured again: its test score, what it answered in more
    detail, and costs.

    `notes` say how the data differ from those of the run.
    """

    dataset: str
    score: Score
    answers: AnyAnswers
    costs: Mapping[str, float]
    notes: tuple[str, ...] = ()


def evaluate_run(
    path: str | Path,
    *,
    data: str | Dataset | None = None,
    as_new_test: bool = False,
    device: str = "auto",
    threads: int | None = None,
    answering: AnsweringOf | None = None,
) -> Evaluation:
    """Measure a run's delivered network (architecture.dot with model.safetensors) on
    the test examples that the run recorded, from its files alone.

    With `as_new_test` the test split of `data` is measured instead, without examples
    that the run trained or chose on. Without `data` it is what config.json names, which
    is told on stderr where that is a path. `answering` is measured in place of the
    network.

    Raises:
        InputError: `path` holds no finished run, its files do not fit each other or
            its certificate, the data is not here or of another machine and not given,
            or examples of the run are missing in it or changed.
    """
    run = RunFolder(Path(path))
    asked, delivered = data or named_data(run), load_delivered(run)
    net, facts = delivered.net, delivered.facts
    hardware = find_hardware(device, threads)
    dataset, notes = prepared_data(run, delivered, asked, hardware, as_new_test=as_new_test)
    with hardware.in_use():
        net.to(hardware.device)
        task = facts.bound_task(hardware.device)
        recorder = recorder_of(facts, len(dataset.test))
        if answering is None:
            whole = np.ones(len(net.fabric.edges), dtype=np.bool_)
            score = evaluate_net(net, dataset, dataset.test, whole, task, watching(recorder, task))
        else:
            raw_watch = watching(recorder, task, dataset.normalised)
            score = score_of_answers(answering(dataset), dataset.test, task, raw_watch)
    costs = {cost.name: cost.total for cost in complete_costs(net.profile)}
    return Evaluation(dataset.name, score, recorder.recorded(), costs, notes)
