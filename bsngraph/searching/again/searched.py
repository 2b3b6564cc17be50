"""What a finished search left: θ and Γ, its finalists, and the networks that it
delivered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bsngraph.delivered import load_net
from bsngraph.delivered.network_files import file_hash, network_from
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs import RunFolder
from bsngraph.runs.checkpoint import check_tensors, load_checkpoint
from bsngraph.runs.rows.config import SearchConfig
from bsngraph.runs.rows.front import Weights
from bsngraph.searching.again.asked_gamma import with_asked_gamma
from bsngraph.searching.again.finalists_left import checked_finalists, with_kept_weights
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.learning.learn import new_learning
from bsngraph.searching.learning.learning_state import LearningState, architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.typed_files import CURE


@dataclass(frozen=True, eq=False)
class Searched:
    """θ and Γ as a search left them, its finalists (None if it trained none or is of an
    older version), and the networks that it delivered.
    """

    learned: Learning
    finalists: FinalistsState | None
    delivered: tuple[Chosen, ...]

    def alone(self, job: Job) -> tuple[Chosen, ...]:
        """The networks that have weights of their own, each once: those delivered, and
        finalists whose weights were kept.
        """
        kept = with_kept_weights(job, self.finalists) if self.finalists else []
        found: dict[Architecture, Chosen] = {}
        for each in (*self.delivered, *kept):
            found.setdefault(each.architecture, each)
        return tuple(found.values())


def read_searched(job: Job, source: RunFolder, config: SearchConfig, known: Architecture | None) -> Searched:
    """What the search in `source` left. The incumbent is the first of these that is
    inside the job's budgets: what was delivered, the search's own incumbent, `known`.

    Raises:
        InputError: it was interrupted, or its files are of another fabric, damaged, or
            not those that its certificate was made for.
    """
    checkpoint, file = load_checkpoint(source, job.device), source.file("checkpoint.pt")
    if checkpoint.search is None:
        raise InputError(f"{source.path}: the search has not begun to learn: finish it by --resume first")
    state = LearningState.from_checkpoint(checkpoint.search, file)
    if state.epoch < config.recipe.epochs:
        raise InputError(
            f"{source.path}: the search stopped after epoch {state.epoch} of {config.recipe.epochs}: finish "
            "it by --resume first"
        )
    learned = new_learning(job, known)
    learned.load(with_asked_gamma(job, learned, state, config, file), file)
    finalists = None
    if checkpoint.finalists is not None:
        finalists = checked_finalists(job, learned.net, checkpoint.finalists, file)
    delivered = delivered_by(job, source, learned.net, config)
    in_hand = (*(each.architecture for each in delivered), learned.incumbent.architecture, known)
    inside = [each for each in in_hand if each is not None and job.budgets.met_by(each.mask)]
    learned.incumbent.architecture = inside[0] if inside else None
    return Searched(learned, finalists, delivered)


def delivered_by(job: Job, run: RunFolder, net: SuperNet, config: SearchConfig) -> tuple[Chosen, ...]:
    """The network that a run delivered, and those of its front; none if it has not come
    to that. `net` is its super-network.

    Raises:
        InputError: one is no sub-network of the fabric, or its files are damaged or not
            those that the certificate was made for.
    """
    if not run.finished:
        return ()
    told = run.read_result().weights or ("fine-tuned" if config.settings.finetune_epochs else "trained")
    found = [_network(job, run, "architecture.dot", load_net(run), told, net)]
    if run.file("front.csv").exists():
        _check_certified(run, ["front.csv"])
        for row in run.read_front().networks:
            assert row.weights is not None
            _check_certified(run, row.files)
            graph, weights = row.files
            own = network_from(run.file(graph), run.file(weights))
            found.append(_network(job, run, graph, own, row.weights, net))
    return tuple(found)


def _check_certified(run: RunFolder, names: Iterable[str]) -> None:
    files = run.read_certificate().files
    for name in names:
        if file_hash(run.file(name)) != files.get(name):
            raise InputError(
                f"{run.file(name)}: is not the file that certificate.json was made for: restore it, or "
                "search again"
            )


def _network(job: Job, run: RunFolder, name: str, own: SuperNet, origin: Weights, net: SuperNet) -> Chosen:
    """A delivered network as live edges of the fabric that was searched."""
    file = run.file(name)
    unknown = [edge.name for edge in own.fabric.edges if edge.name not in job.fabric.edge_index]
    if unknown:
        raise InputError(f"{file}: fabric.dot has no edge {unknown[0]}: {CURE}")
    live = tuple(sorted(job.fabric.edge_index[edge.name] for edge in own.fabric.edges))
    architecture = architecture_in(job.fabric, live, file)
    weights = own.state_dict()
    check_tensors(prune_net(net, architecture).state_dict(), weights, file)
    return Chosen(architecture, weights, origin)
