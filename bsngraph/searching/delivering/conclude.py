"""Conclude: measure the certified network on test data, once, and write what was
found.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bsngraph.certificate import covering
from bsngraph.delivered import load_net
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import Certificate
from bsngraph.runs.run_folder import file_text
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.delivering.pictures import caption, draw_architecture, draw_curves
from bsngraph.searching.delivering.remarks import remarks
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.delivering.summary import result_summary
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, evaluate_net
from bsngraph.typed_files import plain


def conclude(
    job: Job,
    run: RunFolder,
    architecture: Architecture,
    net: SuperNet,
    certificate: Certificate,
    log: RunLog,
    progress: Progress,
    multipliers: Mapping[str, float] | None = None,
) -> Result:
    """Write the pictures and, last of all files, result.json.

    `multipliers` are λ by cost as a search ended, for the picture's caption.
    """
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    validation = evaluate_net(net, job.dataset, job.dataset.validation, everything)
    test = evaluate_net(net, job.dataset, job.dataset.test, everything)
    summary = result_summary(job, architecture, validation, test, log.seconds(), certificate)
    summary["notes"] = remarks(job, log.rows, summary["costs"])
    draw_architecture(job, run, architecture, caption(job, summary, multipliers or {}), progress)
    draw_curves(run, progress)
    text = file_text("result.json", summary)
    run.write_json("certificate.json", covering(certificate, "result.json", text))
    run.write_json("result.json", summary)
    return Result(run, architecture, net, summary)


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
    return Result(run, architecture, net.to(job.device), plain(run.read_result()))
