"""Conclude: measure the certified network on test data, once, and write what was
found.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bsngraph.certificate import covering
from bsngraph.delivered import load_net
from bsngraph.delivered.model_facts import facts_of
from bsngraph.delivered.recording.recorder import recorder_of, watching
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.answers import AnyAnswers
from bsngraph.runs.rows.certificate import Certificate
from bsngraph.runs.run_folder import file_text
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.deliverable import Deliverable
from bsngraph.searching.delivering.pictures import caption, draw_architecture, draw_curves
from bsngraph.searching.delivering.remarks import remarks, weights_remark
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.delivering.summary import result_summary
from bsngraph.searching.fronts.deliver_front import DeliveredFront
from bsngraph.searching.fronts.record_front import write_front
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.tasks import task_of
from bsngraph.training import Progress, Score, device_of, evaluate_net
from bsngraph.typed_files import plain


def conclude(
    job: Job,
    run: RunFolder,
    delivered: Deliverable,
    certificate: Certificate,
    log: RunLog,
    progress: Progress,
    multipliers: Mapping[str, float] | None = None,
    front: DeliveredFront | None = None,
) -> Result:
    """Write the pictures and, last of all files, result.json.

    `multipliers` are λ by cost as a search ended, for the picture's caption. `front`
    are the networks of a range, of which `delivered` is one.
    """
    architecture, net = delivered.architecture, delivered.net
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    validation = evaluate_net(net, job.dataset, job.dataset.validation, everything)
    test, answers = answers_on_test_data(job, net)
    summary = result_summary(job, architecture, validation, test, log.seconds(), certificate)
    summary["weights"] = delivered.weights
    summary["notes"] = [*remarks(job, log.rows, summary["costs"]), *weights_remark(job, delivered)]
    draw_architecture(
        job, run, architecture, caption(job, summary, (multipliers or {}) if job.learns else {}), progress
    )
    draw_curves(run, progress)
    if front is not None:
        certificate = covering(certificate, "front.csv", write_front(job, run, front, test, progress))
    for name, content in (("answers.json", answers), ("result.json", summary)):
        certificate = covering(certificate, name, file_text(name, content))
    run.write_json("answers.json", answers)
    run.write_json("certificate.json", certificate)
    run.write_json("result.json", summary)
    return Result(run, architecture.over(job.fabric), net, summary)


def answers_on_test_data(job: Job, net: SuperNet) -> tuple[Score, AnyAnswers]:
    """The one reading of test data: its score, and what is recorded of the answers."""
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    task, test = task_of(job.dataset, device=device_of(net)), job.dataset.test
    recorder = recorder_of(facts_of(job.dataset), len(test))
    score = evaluate_net(net, job.dataset, test, everything, task, watching(recorder, task))
    return score, recorder.recorded()


def concluded_before(job: Job, run: RunFolder, progress: Progress) -> Result:
    """What a run delivered that had ended when it was resumed.

    Its test data is not read again.

    Raises:
        InputError: its network is not one of the job's fabric.
    """
    progress.note(f"{run.path} had ended already: this is what it delivered")
    net = load_net(run)
    index = job.fabric.edge_index
    foreign = [edge.name for edge in net.fabric.edges if edge.name not in index]
    if foreign:
        raise InputError(
            f"{run.file('architecture.dot')}: the run's fabric has no edge {foreign[0]}: start the run "
            "again by --overwrite"
        )
    live = tuple(sorted(index[edge.name] for edge in net.fabric.edges))
    architecture = Architecture(len(job.fabric.edges), live)
    return Result(run, architecture.over(job.fabric), net.to(job.device), plain(run.read_result()))
