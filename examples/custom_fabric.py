"""Build a fabric in Python, with parallel edges, a tied gate and an exclusive choice;
check it, draw it, write it.

    python examples/custom_fabric.py [folder]
"""

import sys
import tempfile
from pathlib import Path

import networkx as nx

import bsngraph
from bsngraph.costs import cheapest, price

out = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

graph = nx.MultiDiGraph(name="towers", source="image", target="scores")
graph.add_node("image", input="1x8x8")

# Two towers on the same image. `gate` keeps both their second layers, or neither;
# `choice` keeps exactly one way into the join.
for tower, kernel in (("narrow", 3), ("wide", 5)):
    graph.add_node(tower, activation="relu")
    graph.add_node(f"{tower}2", activation="relu")
    graph.add_edge("image", tower, op="conv", channels=8, kernel=kernel)
    graph.add_edge(tower, f"{tower}2", op="conv", channels=8, kernel=kernel, gate="second layers")
    graph.add_edge(tower, f"{tower}2", op="identity")
    graph.add_edge(f"{tower}2", "join", op="conv", channels=16, stride=2, choice=f"{tower} down")
    graph.add_edge(f"{tower}2", "join", op="max_pool", channels=16, choice=f"{tower} down")
graph.add_node("join", merge="concat", activation="relu")
graph.add_edge("join", "scores", op="classifier", classes=10, fixed=True)

fabric = bsngraph.fabric_from_networkx(graph)  # every mistake is reported here, all at once
profile = bsngraph.profile_fabric(fabric)  # shapes, MACs, parameters
for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True):
    print(f"{node.name:8} {'x'.join(map(str, shape))}")

macs = price(profile, "macs")
least = cheapest(fabric, macs)
print(f"{macs.total:,.0f} MACs in all; the cheapest sub-network has {least.value:,.0f}")

bsngraph.write_fabric(profile.annotated(), out / "towers.dot")
bsngraph.write_fabric(bsngraph.prune(profile, least.architecture), out / "cheapest.dot")
bsngraph.render(out / "towers.dot", out / "towers.svg")
print(f"written to {out}")
