"""Training the network of a fabric with every edge kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bsngraph.data import Dataset
from bsngraph.fabric import Fabric, architecture_of
from bsngraph.profile import FabricProfile
from bsngraph.runs import OpenMode, open_run, reading
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.prepare import prepare
from bsngraph.searching.stages import finished, keep_fabric
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import NetTraining, Progress, Silent, derived_seed


def train(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    *,
    out: str | Path,
    task: str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    device: str = "auto",
    threads: int | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Train the network of a fabric with every edge kept, from scratch, by the recipe
    that searches use.

    Raises:
        FabricError, InputError: something about the fabric, the data or the folder is
            wrong.
        RunFailedError: the loss stopped being finite.
    """
    job = prepare(
        fabric,
        data,
        (),
        recipe=recipe or Recipe(),
        settings=SearchSettings(),
        seed=seed,
        device=device,
        threads=threads,
        task=task,
    )
    progress = progress or Silent()
    with job.hardware.in_use():
        run = open_run(Path(out), job.config("train"), mode)
        keep_fabric(job, run)
        if run.finished:
            return finished(job, run, progress)
        log = RunLog(run, mode)
        whole = architecture_of(job.fabric, np.ones(len(job.fabric.edges), dtype=np.bool_))
        net = compile_fabric(prune(job.profile, whole), seed=derived_seed(seed, "weights")).to(job.device)
        training = NetTraining(net, job.dataset, job.recipe, seed, "training")
        if log.state.get("training"):
            with reading(run, "checkpoint.pt"):
                training.load(log.state["training"])
        training.run(progress, lambda row: log.keep(row, training=training.state()))
        return deliver(job, run, whole, net, log.seconds(), progress)
