"""Random fabrics of mixed sizes: DAGs with parallel edges, gates, choices and one or
two targets, and small fabrics of known families.
"""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np

import bsngraph
from bsngraph.fabric import Fabric
from bsngraph.fabric.families import cell_fabric, cnf_fabric, resnet_fabric
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx

CLASSES = 3


def random_fabric(random: np.random.Generator) -> Fabric:
    """One of a family, or a random DAG of 6 to 40 edges."""
    kind = random.choice(["dag", "dag", "dag", "dag", "cnf", "resnet", "cells"])
    if kind == "cnf":
        fabric = cnf_fabric(
            input_shape=(1, 4, 4), classes=CLASSES, layers=int(random.integers(2, 5)), channels=2
        )
    elif kind == "resnet":
        blocks, groups = int(random.integers(1, 3)), int(random.integers(1, 4))
        fabric = resnet_fabric(
            input_shape=(1, 8, 8), classes=CLASSES, groups=groups, blocks=blocks, channels=2
        )
    elif kind == "cells":
        nodes, none = int(random.integers(2, 5)), bool(random.integers(2))
        fabric = cell_fabric(
            input_shape=(1, 4, 4), classes=CLASSES, stages=2, cells=1, nodes=nodes, channels=2, none=none
        )
    else:
        return bsngraph.fabric_from_networkx(random_dag(random))
    graph = fabric_to_networkx(fabric)
    for _, _, attributes in graph.edges(data=True):
        attributes["cost_energy"] = _energy(random)
    return bsngraph.fabric_from_networkx(graph)


def random_dag(random: np.random.Generator) -> nx.MultiDiGraph[str]:
    """Nodes of 2 channels of 4x4 in a row, each fed by one before it and feeding one
    behind it, and more edges anywhere forwards.
    """
    targets = ["y"] if random.random() < 0.8 else ["y1", "y2"]
    inner = [f"n{number}" for number in range(int(random.integers(2, 9)))]
    most = (
        int(random.integers(len(inner) + 2, 10))
        if random.random() < 0.5 and len(inner) < 7
        else int(random.integers(12, 41))
    )
    order = ["x", *inner]
    ends = [(order[random.integers(place + 1)], name) for place, name in enumerate(inner)]
    ends += [
        (name, inner[random.integers(place + 1, len(inner))])
        for place, name in enumerate(inner[:-1])
        if name not in dict(ends)
    ]
    possible = list(itertools.combinations(order, 2))
    while len(ends) < most:
        ends.append(possible[random.integers(len(possible))])
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name="random", source="x", target=",".join(targets))
    graph.add_node("x", input="2x4x4")
    for name in inner:
        graph.add_node(
            name,
            merge=str(random.choice(["sum", "mean", "max"])),
            activation=str(random.choice(["none", "relu"])),
        )
    for source, target in ends:
        graph.add_edge(source, target, cost_energy=_energy(random), **_operation(random))
    _tie(graph, random)
    for target in targets:
        graph.add_edge(
            inner[-1],
            target,
            op="classifier",
            classes=CLASSES,
            cost_energy=_energy(random),
            fixed=bool(random.integers(2)),
        )
    return graph


def _operation(random: np.random.Generator) -> dict[str, object]:
    operations: list[dict[str, object]] = [
        {"op": "identity"},
        {"op": "max_pool", "window": 3, "stride": 1},
        {"op": "conv", "channels": 2, "kernel": 1},
        {"op": "conv", "channels": 2, "kernel": 3},
        {"op": "conv", "channels": 2, "kernel": 5},
        {"op": "separable_conv", "channels": 2},
    ]
    return operations[random.integers(len(operations))]


def _tie(graph: nx.MultiDiGraph[str], random: np.random.Generator) -> None:
    """Make some parallel edges a choice, tie some others by gates, fix a few."""
    free = []
    for number, pair in enumerate(sorted(set(graph.edges()))):
        keys = sorted(graph[pair[0]][pair[1]])
        if len(keys) > 1 and random.random() < 0.4:
            for key in keys:
                graph.edges[(*pair, key)]["choice"] = f"c{number}"
        else:
            free += [(*pair, key) for key in keys]
    random.shuffle(free)
    if len(free) > 4 and random.random() < 0.4:
        for number in range(int(random.integers(1, 4))):
            for edge in free[2 * number : 2 * number + 2]:
                graph.edges[edge]["gate"] = f"g{number}"
        free = free[6:]
    for edge in free[: int(random.integers(3)) if len(free) > 6 else 0]:
        graph.edges[edge]["fixed"] = True


def _energy(random: np.random.Generator) -> float:
    return float(random.integers(21)) / 10
