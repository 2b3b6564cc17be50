"""Fabrics: reading, checking and writing them, live edges, architectures. Never imports
torch.
"""

from bsngraph.fabric.architecture import Architecture, architecture_of, prune_fabric
from bsngraph.fabric.binding.draft import Draft
from bsngraph.fabric.decisions import Decisions
from bsngraph.fabric.formats import draft_file, fabric_from_networkx, read_fabric, write_fabric
from bsngraph.fabric.live import Booleans, LiveSweep, connected, live_edges
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.neighbours import every_choice, few_neighbours, neighbouring_choices
from bsngraph.fabric.writing.fabric_to_pydot import to_pydot

__all__ = [
    "Architecture",
    "Booleans",
    "Decisions",
    "Draft",
    "Edge",
    "Fabric",
    "LiveSweep",
    "Node",
    "architecture_of",
    "connected",
    "draft_file",
    "every_choice",
    "fabric_from_networkx",
    "few_neighbours",
    "live_edges",
    "neighbouring_choices",
    "prune_fabric",
    "read_fabric",
    "to_pydot",
    "write_fabric",
]
