"""A delivered network from its two files, and what tells one from another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.runs.checkpoint import check_tensors
from bsngraph.supernet import SuperNet, compile_fabric, load_named_weights, named_weights
from bsngraph.whole_files import check_regular

GRAPH_FILE = "architecture.dot"
WEIGHTS_FILE = "model.safetensors"


def load_network(folder: Path) -> SuperNet:
    """The network that a run folder delivers, with its weights, on the CPU, in
    evaluation mode.

    Raises:
        InputError: its files are missing or do not fit each other, or a weight is not
            finite or of another number type.
    """
    architecture, model = folder / GRAPH_FILE, folder / WEIGHTS_FILE
    if not (architecture.exists() and model.exists()):
        raise InputError(f"{folder}: there is no finished network in it ({GRAPH_FILE}, {WEIGHTS_FILE})")
    return network_from(architecture, model)


def network_from(architecture: Path, model: Path) -> SuperNet:
    """The network of a graph file and of its weights, on the CPU, in evaluation mode.

    Raises:
        InputError: as `load_network`.
    """
    check_regular(model)
    net, weights = compile_fabric(read_fabric(architecture), seed=0), read_weights(model)
    check_tensors(named_weights(net), weights, model)
    load_named_weights(net, weights)
    return net.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of safetensors by name, on the CPU.

    Raises:
        InputError: it is missing, or no such file.
    """
    check_regular(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from None


def weights_hash(net: SuperNet) -> str:
    """SHA-256 over the weights: name, number type, shape and bytes of each, by name.
    Another file of the same weights has the same.
    """
    return _hash(named_weights(net))


def _hash(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: it cannot be read.
    """
    check_regular(path)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
