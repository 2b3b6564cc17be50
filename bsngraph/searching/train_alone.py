"""Training the network of a fabric with every edge kept, from scratch:

prepare → open the run → train → deliver → certify → conclude
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bsngraph.data import Dataset
from bsngraph.fabric import Fabric, architecture_of
from bsngraph.measure import Hardware, find_hardware
from bsngraph.profile import FabricProfile
from bsngraph.runs import OpenMode
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.deliverable import Deliverable
from bsngraph.searching.delivering.certify import certify
from bsngraph.searching.delivering.conclude import conclude, concluded_before
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.learning.given_weights import take_weights
from bsngraph.searching.opening import open_training
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method, check_training
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric, prune
from bsngraph.training import NetTraining, Progress, Silent, TrainingState, derived_seed


def train(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    *,
    out: str | Path,
    task: str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Train the network of a fabric with every edge kept, by the recipe that searches
    use: from scratch, or from the file `weights`, which holds weights by edge name, as
    model.safetensors does.

    Raises:
        FabricError, InputError: something about the fabric, the data or the folder is
            wrong.
        RunFailedError: the loss stopped being finite.
    """
    goal, method = (
        Goal(data=data, task=task),
        Method(recipe=recipe or Recipe(), seed=seed, weights=None if weights is None else Path(weights)),
    )
    hardware, into = find_hardware(device, threads), Destination(Path(out), mode)
    return run_training(fabric, goal, method, hardware, into, progress or Silent())


def run_training(
    fabric: Fabric | FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
    progress: Progress,
) -> Result:
    """The stages of a training, one call each.

    Raises:
        BsngraphError: as `train` says.
    """
    check_training(method.recipe)
    job = prepare(fabric, goal, method, hardware, into, progress)
    with hardware.in_use(), open_training(job, into) as run:
        if run.finished:
            return concluded_before(job, run, progress)
        log = RunLog(run, into.mode, weighted=method.recipe.class_weights is not None)
        whole = architecture_of(job.fabric, np.ones(len(job.fabric.edges), dtype=np.bool_))
        net = train_whole(job, log, progress)
        deliver(job, run, net)
        certificate = certify(job, run, progress)
        return conclude(job, run, Deliverable(whole, net, "trained"), certificate, log, progress)


def train_whole(job: Job, log: RunLog, progress: Progress) -> SuperNet:
    """The network of the whole fabric, trained by the recipe.

    Raises:
        RunFailedError: the loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another network.
    """
    whole = architecture_of(job.fabric, np.ones(len(job.fabric.edges), dtype=np.bool_))
    net = compile_fabric(prune(job.profile, whole), seed=derived_seed(job.seed, "weights")).to(job.device)
    take_weights(net, job.given_weights)
    training = NetTraining(net, job.dataset, job.recipe, job.seed, "training")
    if log.checkpoint.training is not None:
        training.load(TrainingState.from_checkpoint(log.checkpoint.training, log.file), log.file)
    training.run(progress, lambda row: log.keep(row, training=training.state().to_checkpoint()))
    return net
