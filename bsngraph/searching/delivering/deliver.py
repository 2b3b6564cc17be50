"""Deliver: write the trained network, its graph and its weights by edge name."""

from __future__ import annotations

from bsngraph.fabric import write_fabric
from bsngraph.runs import RunFolder
from bsngraph.searching.delivering.weights_file import write_weights
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet


def deliver(job: Job, run: RunFolder, net: SuperNet) -> None:
    """Write architecture.dot and model.safetensors."""
    write_fabric(net.profile.annotated(), run.file("architecture.dot"))
    write_weights(job, run.file("model.safetensors"), net)
