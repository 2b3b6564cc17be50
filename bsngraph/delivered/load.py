"""A delivered network, loaded as it was certified: the graph, the weights, and what
they are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsngraph.delivered.model_facts import ModelFacts, read_facts
from bsngraph.delivered.network_files import GRAPH_FILE, WEIGHTS_FILE, file_hash, load_network
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.supernet import SuperNet


@dataclass(frozen=True)
class Delivered:
    """A network with its weights, on the CPU, in evaluation mode, and its facts."""

    net: SuperNet
    facts: ModelFacts


def load_delivered(run: RunFolder) -> Delivered:
    """What a run delivered, with the facts in model.safetensors.

    Raises:
        InputError: as `load_net`; or the facts are damaged, or of another network.
    """
    net, file = load_net(run), run.file(WEIGHTS_FILE)
    facts = read_facts(file)
    given = net.profile.node_shapes[net.fabric.target_indices[0]][0]
    if given != len(facts.classes):
        raise InputError(
            f"{file}: names {len(facts.classes)} classes or outputs at $.classes, but the network gives "
            f"{given}: it is of another run"
        )
    return Delivered(net, facts)


def load_net(run: RunFolder | str | Path) -> SuperNet:
    """A run's delivered network with its weights, on the CPU, in evaluation mode.

    It takes inputs that are normalised as its training data were, (value - mean) / std,
    and gives scores. `load_predictor` takes raw values and gives classes and
    probabilities.

    Raises:
        InputError: its files are missing or do not fit each other, a weight is not
            finite, or the files are not those that the run's certificate was made for.
    """
    run = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    net = load_network(run.path)
    if run.file("certificate.json").exists():
        files = run.read_certificate().files
        for name in (GRAPH_FILE, WEIGHTS_FILE):
            if file_hash(run.file(name)) != files[name]:
                raise InputError(
                    f"{run.file(name)}: is not the file that certificate.json was made for: restore it, or "
                    "remove certificate.json to use the network as it is"
                )
    return net
