"""The finalists that a run left in its checkpoint, with the weights that were kept."""

from __future__ import annotations

from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs.checkpoint import check_tensors
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.typed_files import CURE


def finalists_kept(job: Job, net: SuperNet, log: RunLog) -> list[Chosen]:
    """The finalists of the run that goes on, those whose weights were kept; `net` is
    the super-network.

    Raises:
        InputError: its checkpoint is of another search.
    """
    saved = log.checkpoint.finalists
    return [] if saved is None else with_kept_weights(job, checked_finalists(job, net, saved, log.file))


def with_kept_weights(job: Job, state: FinalistsState) -> list[Chosen]:
    """The finalists whose weights were kept, in the order of their trainings."""
    edges = len(job.fabric.edges)
    return [
        Chosen(Architecture(edges, each.live), state.weights[str(number)])
        for number, each in enumerate(state.finalists)
        if str(number) in state.weights
    ]


def checked_finalists(job: Job, net: SuperNet, saved: object, file: Path) -> FinalistsState:
    """The finalists that `file` held, of the fabric of the super-network `net`.

    Raises:
        InputError: they are of another one, or damaged.
    """
    state = FinalistsState.from_checkpoint(saved, file)
    architectures = [architecture_in(job.fabric, each.live, file) for each in state.finalists]
    ended = {str(number) for number in range(len(state.results))}
    if len(state.results) > len(architectures) or not state.weights.keys() <= ended:
        raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
    for number, weights in state.weights.items():
        check_tensors(prune_net(net, architectures[int(number)]).state_dict(), weights, file)
    return state
