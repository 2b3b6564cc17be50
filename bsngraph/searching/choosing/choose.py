"""Step 5, choose: the finalist that would be best again, with what it learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bsngraph.fabric import Architecture
from bsngraph.runs.rows.front import Weights
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress


@dataclass(frozen=True, eq=False)
class Chosen:
    """The architecture, and what it learned by itself, if it was a finalist or was
    delivered before; `origin` says which.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor] | None = None
    origin: Weights = "trained"


def choose(job: Job, contenders: Contenders, state: FinalistsState, progress: Progress) -> Chosen:
    """The finalist with the best mean by the predictor, which has seen them all.

    The smallest of several noisy losses flatters itself; a mean does not.
    """
    believed = contenders.believed(state).mean
    best = int(np.argmax(believed))
    architecture = Architecture(len(job.fabric.edges), state.finalists[best].live)
    losses = [result.loss for result in state.results]
    searchable = set(job.fabric.searchable)
    progress.note(
        f"chose finalist {best + 1} of {len(losses)}: validation loss {losses[best]:.4g} after training by "
        f"itself, {math.exp(-believed[best]):.4g} expected again, the others up to {max(losses):.4g}; "
        f"{len(set(architecture.live) & searchable)} of {len(searchable)} searchable edges"
    )
    return Chosen(architecture, state.weights.get(str(best)))
