"""A Fabric is immutable, hashable and valid by construction, and finds out once what
follows from it.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from random_fabrics import small_fabrics

from bsngraph.errors import FabricError
from bsngraph.fabric import Architecture, Edge, Fabric, Node

NODES = (Node("x", input=(4,)), Node("a"), Node("y"))
EDGES = (Edge("x", "a", "0", "identity", {"p": 1}), Edge("a", "y", "0", "identity", fixed=True))


def fabric(nodes=NODES, edges=EDGES, sources=("x",), targets=("y",)) -> Fabric:
    return Fabric("f", nodes, edges, sources, targets)


@given(small_fabrics(costs=True))
def test_equal_fabrics_have_equal_hashes_and_copies_are_equal(one):
    twin = pickle.loads(pickle.dumps(one))
    assert twin == one
    assert hash(twin) == hash(one)
    assert copy.deepcopy(one) is one
    assert {one: "found"}[replace(one)] == "found"
    assert replace(one, name=one.name + "!") != one


@pytest.mark.parametrize("change", [
    lambda one: setattr(one, "name", "g"),
    lambda one: setattr(one.edges[0], "op", "conv"),
])  # fmt: skip
def test_a_fabric_has_no_field_that_can_be_set(change):
    with pytest.raises(FrozenInstanceError):
        change(fabric())


@pytest.mark.parametrize("change", [
    lambda one: one.edges[0].arguments.update(p=2),
    lambda one: one.edges[0].arguments.__setitem__("p", 2),
    lambda one: one.edges[0].arguments.pop("p"),
    lambda one: one.edges[0].costs.setdefault("energy", 1.0),
    lambda one: one.nodes[0].style.__ior__({"label": "?"}),
    lambda one: one.style.clear(),
])  # fmt: skip
def test_the_mappings_inside_a_fabric_cannot_be_changed(change):
    one = fabric()
    before = hash(one)
    with pytest.raises(TypeError, match="a fabric cannot be changed: make another one with"):
        change(one)
    assert hash(one) == before


def test_a_fabric_keeps_nothing_of_the_mapping_that_it_was_made_from():
    arguments = {"p": 1}
    edge = Edge("x", "a", "0", "identity", arguments)
    arguments["p"] = 2
    assert edge.arguments == {"p": 1}


def test_everything_wrong_with_a_fabric_is_said_at_once():
    nodes = (Node("x", merge="mead"), Node("y"), Node("a"), Node("a", activation="rleu"))
    edges = (
        Edge("y", "x", "0", "identity", probability=1.5),
        Edge("x", "b", "0", "identity", fixed=True, gate="g"),
        Edge("x", "b", "0", "identity"),
    )
    with pytest.raises(FabricError) as caught:
        Fabric("f", nodes, edges, ("z",), ())
    assert [str(problem) for problem in caught.value.problems] == [
        "2 bear this name @ node a: give each a name of its own",
        "2 bear this name @ edge x->b#0: give each a name of its own",
        "merge=mead is not known @ node x: did you mean 'mean'?",
        "activation=rleu is not known @ node a: did you mean 'relu'?",
        "'x' stands before 'y' @ edge y->x#0: list the nodes in topological order: "
        "an edge leads to a later node",
        "probability=1.5 is invalid @ edge y->x#0: give a number from 0 to 1",
        "'b' is not a node @ edge x->b#0: known are a, x, y",
        "a fixed edge has no gate or choice @ edge x->b#0: it is always kept: remove them",
        "'b' is not a node @ edge x->b#0: known are a, x, y",
        "source 'z' is not a node @ fabric: known are a, x, y",
        "the fabric names no target @ fabric: name a target",
    ]


def test_what_follows_from_a_fabric_is_worked_out_once():
    one = fabric()
    assert one.sweep is one.sweep
    assert one.decisions is one.decisions
    assert one.fixed.tolist() == [False, True]
    with pytest.raises(ValueError, match="read-only"):
        one.fixed[0] = True


@given(small_fabrics())
def test_an_architecture_of_a_mask_has_that_mask(one):
    mask = np.arange(len(one.edges)) % 2 == 0
    assert Architecture.of_mask(mask).mask.tolist() == mask.tolist()
