"""Compiled fabrics: a SuperNet runs any sample of its fabric.

Only live edges run, and only for the examples they are live for.
"""

from bsngraph.supernet.deployed import deploy
from bsngraph.supernet.route import Route
from bsngraph.supernet.supernet import SuperNet, compile_fabric
from bsngraph.supernet.weights import (
    load_known_weights,
    load_named_weights,
    named_weights,
    prune,
    prune_net,
)

__all__ = [
    "Route",
    "SuperNet",
    "compile_fabric",
    "deploy",
    "load_known_weights",
    "load_named_weights",
    "named_weights",
    "prune",
    "prune_net",
]
