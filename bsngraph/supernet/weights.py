"""Weights by edge name: `source->target#key/conv.weight` → tensor.

By name they survive pruning and renumbering.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Booleans, Fabric, architecture_of, prune_fabric
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet.supernet import SuperNet, compile_fabric


def named_weights(net: SuperNet) -> dict[str, Tensor]:
    """Parameters and buffers of every edge, detached, by `edge name/tensor name`."""
    named: dict[str, Tensor] = {}
    for edge, module in zip(net.fabric.edges, net.operations, strict=True):
        named |= {f"{edge.name}/{name}": tensor.detach() for name, tensor in module.state_dict().items()}
    return named


def load_named_weights(net: SuperNet, weights: Mapping[str, Tensor]) -> None:
    """Copy weights of the same names into a net; other names are passed over.

    Raises:
        InputError: a tensor that the net needs is missing, or has another shape.
    """
    mine = named_weights(net)
    problems = [
        name for name, tensor in mine.items() if name not in weights or weights[name].shape != tensor.shape
    ]
    if problems:
        shown = ", ".join(problems[:5]) + (" …" if len(problems) > 5 else "")
        raise InputError(f"the weights do not fit the network: {shown} missing or of another shape")
    with torch.no_grad():
        for name, tensor in mine.items():
            tensor.copy_(weights[name])


def load_known_weights(net: SuperNet, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a net where it has tensors of these names and shapes; its other
    tensors stay as they are.
    """
    with torch.no_grad():
        for name, tensor in named_weights(net).items():
            if name in weights:
                tensor.copy_(weights[name])


def prune(fabric: Fabric | FabricProfile, architecture: Architecture | Booleans) -> Fabric:
    """The architecture as a fabric of its own: its live edges, all fixed.

    `architecture` may also be the edges kept, (edges,) Boolean.

    Raises:
        BsngraphError: the edges kept do not connect every target.
    """
    profile = fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)
    if not isinstance(architecture, Architecture):
        architecture = architecture_of(profile.fabric, architecture)
    return prune_fabric(profile.fabric, architecture, profile.edge_shapes)


def prune_net(net: SuperNet, architecture: Architecture) -> SuperNet:
    """The architecture as a network of its own, with copies of the weights.

    Device and number type are those of the super-network.
    """
    pruned = compile_fabric(prune(net.profile, architecture), seed=0)
    weights = named_weights(net)
    like = next((parameter for parameter in net.parameters()), torch.empty(0))
    pruned.to(like.device, like.dtype)
    load_named_weights(pruned, weights)
    pruned.train(net.training)
    return pruned
