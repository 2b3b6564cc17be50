"""Reading fabrics: what files and networkx graphs mean, and what is said about mistakes
in them.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_fabrics import small_graphs

from bsngraph.draw import fabric_drawing
from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import Draft, Fabric, draft_file, fabric_from_networkx, read_fabric, write_fabric
from bsngraph.fabric.binding.raw_to_fabric import raw_to_fabric
from bsngraph.fabric.reading.dot_to_raw import dot_to_raw
from bsngraph.fabric.reading.networkx_to_raw import networkx_to_raw
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES, Merge

DIGITS = Path(__file__).parents[1] / "fabrics" / "digits.dot"


def draft(body: str, graph: str = "source=x, target=y", settings: dict | None = None) -> Draft:
    """A file whose third line is the source and whose fourth begins with `body`."""
    text = f'digraph g {{\ngraph [{graph}];\nx [input="1x8x8"];\n{body}\n}}\n'
    return raw_to_fabric(dot_to_raw(text, "g.dot"), settings)


def problems(body: str, graph: str = "source=x, target=y", settings: dict | None = None) -> list[str]:
    return [str(problem) for problem in draft(body, graph, settings).problems]


def fabric(body: str, graph: str = "source=x, target=y", settings: dict | None = None) -> Fabric:
    return draft(body, graph, settings).finish()


# --- mistakes: what @ where: cure

MISTAKES = {
    # structure
    "a cycle": (
        "edge [op=identity]; x -> a; a -> b; b -> a; b -> y",
        "the graph has a cycle @ a -> b -> a: remove or turn round one of these edges",
    ),
    "a loop": (
        "edge [op=identity]; x -> a; a -> a; a -> y",
        "the graph has a cycle @ a -> a: remove or turn round one of these edges",
    ),
    "a node without incoming edges that is no source": (
        "edge [op=identity]; x -> y;\na -> y",
        "the node has no incoming edge and is not a source @ node a, line 5: "
        "add an edge into it, or name it in `graph [source=...]`, or remove it (sources: x)",
    ),
    "a dead end": (
        "edge [op=identity]; x -> y;\nx -> a -> b",
        "no path leads from the node to a target @ node a, line 5: connect it, or remove it",
        "no path leads from the node to a target @ node b, line 5: connect it, or remove it",
    ),
    "an unreachable node": (
        "edge [op=identity]; x -> y;\na -> y;\na -> b -> y",
        "the node has no incoming edge and is not a source @ node a, line 5: "
        "add an edge into it, or name it in `graph [source=...]`, or remove it (sources: x)",
        "no path leads from a source to the node @ node b, line 6: connect it, or remove it",
    ),
    "a source with incoming edges": (
        "edge [op=identity]; z -> x -> y; z [input=4]",
        "the source has incoming edges @ node x, line 3: remove them, or name another source",
        "the node has no incoming edge and is not a source @ node z, line 4: "
        "add an edge into it, or name it in `graph [source=...]`, or remove it (sources: x)",
        "the node has an input shape but is not a source @ node z, line 4: name it in `graph "
        "[source=...]`, or remove input",
    ),
    "an input on what is no source": (
        "edge [op=identity]; x -> a -> y;\na [input=4]",
        "the node has an input shape but is not a source @ node a, line 4: name it in `graph "
        "[source=...]`, or remove input",
    ),
    # operations and arguments
    "no operation": (
        "x -> y",
        "the edge has no operation @ edge x->y#0, line 4: add op=..., or a default `edge [op=...]`",
    ),
    "an unknown operation": (
        "x -> y [op=covn]",
        "unknown operation 'covn' @ edge x->y#0, line 4: did you mean 'conv'?; one of your own is loaded by "
        "--ops FILE.py, in Python by load_operations",
    ),
    "an operation like no other": (
        "x -> y [op=zzzzzz]",
        "unknown operation 'zzzzzz' @ edge x->y#0, line 4: `bsngraph ops` lists all; one of your own is "
        "loaded by --ops FILE.py, in Python by load_operations",
    ),
    "a misspelt argument": (
        "x -> y [op=conv, channels=8, kernl=3]",
        "conv takes no argument 'kernl' @ edge x->y#0, line 4: did you mean 'kernel'?",
    ),
    "a misspelt word of an edge": (
        "x -> y [op=identity, fixd=true]",
        "identity takes no argument 'fixd' @ edge x->y#0, line 4: did you mean 'fixed'?",
    ),
    "an argument of another operation": (
        "x -> y [op=identity, kernel=3]",
        "identity takes no argument 'kernel' @ edge x->y#0, line 4: it takes no arguments",
    ),
    "a misspelt argument that is missed": (
        "x -> y [op=conv, chanels=8]",
        "conv takes no argument 'chanels' @ edge x->y#0, line 4: did you mean 'channels'?",
    ),
    "a missing argument": ("x -> y [op=conv]", "conv needs channels @ edge x->y#0, line 4: add channels=..."),
    "a misspelt default of edges": (
        "edge [op=identity,\n kernal=3]; x -> y",
        "default 'kernal' is something that no operation takes @ edge [...], line 4: did you mean 'kernel'?",
    ),
    "a misspelt default of nodes": (
        "node [actvation=relu]; x -> y [op=identity]",
        "default 'actvation' is something that no node takes @ node [...], line 4: did you mean "
        "'activation'?",
    ),
    "text for a whole number": (
        "x -> y [op=conv, channels=many]",
        "channels=many must be a whole number @ edge x->y#0, line 4: conv takes channels: int",
    ),
    "a broken whole number": (
        "x -> y [op=conv, channels=8, kernel=2.5]",
        "kernel=2.5 must be a whole number @ edge x->y#0, line 4: conv takes kernel: int = 3",
    ),
    "an even kernel": (
        "x -> y [op=conv, channels=8, kernel=4]",
        "kernel=4 must be odd @ edge x->y#0, line 4: conv takes kernel: int = 3",
    ),
    "too few channels": (
        "x -> y [op=conv, channels=0]",
        "channels=0 must lie between 1 and 65536 @ edge x->y#0, line 4: conv takes channels: int",
    ),
    "too many channels": (
        "x -> y [op=conv, channels=1000000]",
        "channels=1000000 must lie between 1 and 65536 @ edge x->y#0, line 4: conv takes channels: int",
    ),
    "a word that is not among the choices": (
        "x -> y [op=conv, channels=8, norm=lair]",
        "norm=lair must be one of batch, group, layer, instance, none @ edge x->y#0, line 4: "
        "conv takes norm: batch|group|layer|instance|none = batch",
    ),
    "text for true or false": (
        "x -> y [op=basic_block, channels=8, residual=maybe]",
        "residual=maybe must be true or false @ edge x->y#0, line 4: basic_block takes residual: bool = True",
    ),
    "text for a number": (
        "x -> y [op=dropout, rate=half]",
        "rate=half must be a number @ edge x->y#0, line 4: dropout takes rate: float = 0.5",
    ),
    "a number that is none": (
        "x -> y [op=dropout, rate=nan]",
        "rate=nan must be a finite number @ edge x->y#0, line 4: dropout takes rate: float = 0.5",
    ),
    "a rate above one": (
        "x -> y [op=dropout, rate=1.5]",
        "rate=1.5 must lie between 0 and 1 @ edge x->y#0, line 4: dropout takes rate: float = 0.5",
    ),
    # words of edges
    "fixed with a probability": (
        "x -> y [op=identity, fixed=true, probability=0.5]",
        "a fixed edge has no probability @ edge x->y#0, line 4: it is always kept: remove probability, or "
        "fixed=true",
    ),
    "a probability above one": (
        "x -> y [op=identity, probability=1.5]",
        "probability=1.5 must lie between 0 and 1 @ edge x->y#0, line 4: give probability a value that "
        "fits, or leave it out",
    ),
    "a probability below zero": (
        'x -> y [op=identity, probability="-0.1"]',
        "probability=-0.1 must lie between 0 and 1 @ edge x->y#0, line 4: give probability a value that "
        "fits, or leave it out",
    ),
    "fixed that is neither true nor false": (
        "x -> y [op=identity, fixed=always]",
        "fixed=always must be true or false @ edge x->y#0, line 4: give fixed a value that fits, or leave "
        "it out",
    ),
    "a negative cost": (
        "x -> y [op=identity, cost_mj=-1]",
        "cost_mj=-1 must lie between 0 and inf @ edge x->y#0, line 4: give cost_mj a value that fits, or "
        "leave it out",
    ),
    "a cost that is no number": (
        "x -> y [op=identity, cost_mj=nan]",
        "cost_mj=nan must be a finite number @ edge x->y#0, line 4: give cost_mj a value that fits, or "
        "leave it out",
    ),
    "an endless cost": (
        "x -> y [op=identity, cost_mj=inf]",
        "cost_mj=inf must be a finite number @ edge x->y#0, line 4: give cost_mj a value that fits, or "
        "leave it out",
    ),
    "a cost without a name": (
        "x -> y [op=identity, cost_=1]",
        "identity takes no argument 'cost_' @ edge x->y#0, line 4: it takes no arguments",
    ),
    # words of nodes
    "an unknown merge": (
        "x -> y [op=identity]; y [merge=avg]",
        "merge=avg is not known @ node y, line 4: known are concat, max, mean, mul, sum",
    ),
    "a misspelt merge": (
        "x -> y [op=identity]; y [merge=meen]",
        "merge=meen is not known @ node y, line 4: did you mean 'mean'?",
    ),
    "a misspelt activation": (
        "x -> y [op=identity]; y [activation=rellu]",
        "activation=rellu is not known @ node y, line 4: did you mean 'relu'?",
    ),
    "an unknown attribute of a node": (
        "x -> y [op=identity]; y [activaton=relu]",
        "a node has no attribute 'activaton' @ node y, line 4: did you mean 'activation'?",
    ),
    "an attribute of edges on a node": (
        "x -> y [op=identity]; y [kernel=3]",
        "a node has no attribute 'kernel' @ node y, line 4: kernel is a word of edges: write kernel=3 on an "
        "edge, or `edge [kernel=3]`",
    ),
    "a backslash in a name": (
        'x -> "a\\b" -> y [op=identity]',
        "'a\\\\b' cannot name a node @ node 'a\\\\b': use printable characters without a backslash",
    ),
    "an empty name": (
        'x -> "" -> y [op=identity]',
        "'' cannot name a node @ node '': use printable characters without a backslash",
    ),
    "a new line in a name": (
        'x -> "a\nb" -> y [op=identity]',
        "'a\\nb' cannot name a node @ node 'a\\nb': use printable characters without a backslash",
    ),
    "a name that Graphviz takes for none": (
        'x -> "%a" -> y [op=identity]',
        "'%a' cannot name a node @ node '%a': put another character before %: to Graphviz such a node is "
        "a new one wherever it is named",
    ),
    "a key that cannot be written": (
        'x -> y [op=identity, key="a\\b"]',
        "'a\\\\b' cannot be a key @ edge x->y#a\\b, line 4: use printable characters without a backslash",
    ),
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [(mistake[0], list(mistake[1:])) for mistake in MISTAKES.values()],
    ids=MISTAKES,
)
def test_a_mistake_is_told_with_what_where_and_the_cure(body, expected):
    assert problems(body) == expected


GRAPH_MISTAKES = {
    "no source": (
        "target=y",
        "the graph names no source @ graph: add `graph [source=NODE]`",
        "the node has no incoming edge and is not a source @ node x, line 3: "
        "add an edge into it, or name it in `graph [source=...]`, or remove it (sources: none)",
        "the node has an input shape but is not a source @ node x, line 3: name it in `graph "
        "[source=...]`, or remove input",
    ),
    "no target": ("source=x", "the graph names no target @ graph: add `graph [target=NODE]`"),
    "a target that is not there": (
        "source=x, target=scores",
        "target 'scores' is not a node @ graph: known are a, x, y",
    ),
    "another format": (
        "source=x, target=y, format=2",
        "format=2 is not known @ graph: this version reads format=1",
    ),
    "an unused parameter": (
        "source=x, target=y, width=3, depth=3",
        "parameter 'depth' is never used @ graph: use it as \"$depth\", or remove it",
    ),
    "a misspelt word of the graph": (
        "source=x, target=y, sourse=x",
        "parameter 'sourse' is never used @ graph: did you mean 'source'?",
    ),
}


@pytest.mark.parametrize(
    ("graph", "expected"), [(m[0], list(m[1:])) for m in GRAPH_MISTAKES.values()], ids=GRAPH_MISTAKES
)
def test_a_mistake_of_the_graph_is_told_with_what_and_the_cure(graph, expected):
    # `width` is a word of Graphviz's on nodes only, so on a graph it is a parameter: it
    # is used here.
    body = "edge [op=identity]; x -> a -> y" + (
        '; x -> y [op=conv, channels="$width"]' if "width" in graph else ""
    )
    assert problems(body, graph) == expected


@pytest.mark.parametrize("shape", ["", "0x8x8", "-1x8x8", "8,8", "axb", "1x8x", "99999x8", "1.5", "x"])
def test_an_input_that_is_no_shape_is_refused(shape):
    found = problems(f'x [input="{shape}"]; x -> y [op=identity]')
    if shape:
        cure = 'write the sizes of one example, channels first: input="3x32x32"'
        assert found == [f"input={shape} is not a shape @ node x, line 3: {cure}"]
    else:
        cure = 'add input="3x32x32" (the sizes of one example, channels first)'
        assert found == [f"the source has no input shape @ node x, line 3: {cure}"]


@pytest.mark.parametrize(
    ("text", "shape"), [("4", (4,)), ("1x8x8", (1, 8, 8)), ("3X4X5", (3, 4, 5)), ("3 x 4", (3, 4))]
)
def test_an_input_is_the_sizes_of_one_example(text, shape):
    assert fabric(f'x [input="{text}"]; x -> y [op=identity]').nodes[0].input == shape


def test_a_bad_input_hides_no_other_mistake_of_its_node():
    assert problems('x [input="", activation=rellu]; x -> y [op=identity]') == [
        "activation=rellu is not known @ node x, line 3: did you mean 'relu'?",
        'the source has no input shape @ node x, line 3: add input="3x32x32" (the sizes of one example, '
        "channels first)",
    ]


def test_all_problems_are_told_at_once_in_one_error(tmp_path):
    path = tmp_path / "bad.dot"
    path.write_text(
        """digraph {
  graph [source=x, target=y, depth=3, format=2];
  edge [kernl=3];
  x [input="8by8"];
  x -> a [op=covn];
  a -> y [op=conv, channels=many, stride=0];
  a -> y [op=identity, probability=2];
  b -> y [op=identity];
  y [merge=avrage];
}
""",
        encoding="utf-8",
    )
    with pytest.raises(FabricError) as caught:
        read_fabric(path)
    where = [f"{p.what} @ {p.where}" for p in caught.value.problems]
    assert where == [
        "format=2 is not known @ graph",
        "default 'kernl' is something that no operation takes @ edge [...], line 3",
        "input=8by8 is not a shape @ node x, line 4",
        "merge=avrage is not known @ node y, line 6",
        "unknown operation 'covn' @ edge x->a#0, line 5",
        "channels=many must be a whole number @ edge a->y#0, line 6",
        "stride=0 must lie between 1 and 64 @ edge a->y#0, line 6",
        "probability=2 must lie between 0 and 1 @ edge a->y#1, line 7",
        "parameter 'depth' is never used @ graph",
        "the node has no incoming edge and is not a source @ node b, line 8",
    ]
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"{path}: 10 problems\n  - format=2 is not known @ graph: ")
    assert str(caught.value).count("\n  - ") == 10
    broken = draft_file(path).broken
    bad = draft_file(path).fabric
    assert bad is not None
    assert {bad.edges[index].name for index in broken} == {"x->a#0", "a->y#0"}


def test_two_edges_of_one_name_are_refused():
    found = problems('edge [op=identity]; x -> "a->b" -> y; x -> a; "x->a" -> b; a -> y; x -> "x->a"; b -> y')
    cure = "avoid -> and # in node names and keys, and give each edge a key of its own"
    assert found == [f"two edges bear this name @ edge x->a->b#0, line 4: {cure}"]


# --- defaults


def test_a_default_applies_only_to_operations_that_take_it():
    edges = fabric(
        "edge [channels=8, kernel=5, stride=1, label=l]; x -> y [op=conv]; x -> y [op=identity]; x -> y "
        "[op=max_pool]"
    ).edges
    assert [dict(edge.arguments) for edge in edges] == [
        {"channels": 8, "kernel": 5, "stride": 1},
        {},
        {"channels": 8, "stride": 1},
    ]
    assert all(edge.style == {"label": "l"} for edge in edges)


def test_an_empty_value_is_unset():
    body = """edge [op=conv, channels=8, kernel=5, cost_mj=2, label=l]; node [merge=max];
    x -> y [kernel="", cost_mj="", label="", probability="", fixed=""]; y [merge=""]"""
    read = fabric(body, 'source=x, target=y, format="", unused="", rankdir=""')
    (edge,) = read.edges
    assert (edge.arguments, edge.costs, edge.style, edge.probability, edge.fixed) == (
        {"channels": 8},
        {},
        {},
        None,
        False,
    )
    assert (read.nodes[1].merge, read.style) == ("sum", {})
    assert problems('edge [op=conv]; x -> y [channels=""]') == [
        "conv needs channels @ edge x->y#0, line 4: add channels=..."
    ]


def test_fixed_by_default_may_be_taken_back():
    one, two = fabric("edge [op=identity, fixed=true]; x -> y; x -> y [fixed=false, probability=0.3]").edges
    assert (one.fixed, one.probability, two.fixed, two.probability) == (True, None, False, 0.3)


def test_a_default_probability_says_nothing_about_fixed_edges():
    (edge,) = fabric("edge [op=identity, probability=0.3]; x -> y [fixed=true]").edges
    assert (edge.fixed, edge.probability) == (True, None)


def test_costs_are_annotated_under_their_own_names():
    one, two = fabric(
        "edge [op=identity, cost_energy_mj=1.2]; x -> y; x -> y [cost_energy_mj=0, cost_area=7]"
    ).edges
    assert one.costs == {"energy_mj": 1.2}
    assert two.costs == {"area": 7.0, "energy_mj": 0.0}


def test_graphviz_attributes_are_kept_and_ignored():
    read = fabric(
        'x -> y [op=identity, color=red, label="a b", style=dashed, penwidth=2, headport=n]; y '
        '[shape=box, fillcolor="#fff"]',
        "source=x, target=y, rankdir=LR, label=title, splines=ortho",
    )
    assert read.style == {"rankdir": "LR", "label": "title", "splines": "ortho"}
    assert read.nodes[1].style == {"shape": "box", "fillcolor": "#fff"}
    assert read.edges[0].style == {
        "color": "red",
        "label": "a b",
        "style": "dashed",
        "penwidth": "2",
        "headport": "n",
    }
    assert read.edges[0].arguments == {}


def test_information_is_never_read_back_as_a_value():
    with_information = fabric('x -> y [op=identity, computed_macs=12, computed_note=x]; y [tensor="4x4"]')
    without = fabric("x -> y [op=identity]")
    assert with_information == without
    assert with_information.edges[0].computed == {"macs": 12.0}
    assert with_information.nodes[1].tensor == (4, 4)


# --- parameters


def value(text: str, graph: str = "source=x, target=y, c=16", settings: dict | None = None) -> object:
    return fabric(f'x -> y [op=conv, channels="{text}"]', graph, settings).edges[0].arguments["channels"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$c", 16),
        ("${c}", 16),
        (" $c ", 16),
        ("2*$c", 32),
        ("$c/4", 4),
        ("$c//3", 5),
        ("$c%5", 1),
        ("($c+2)*-(-3)", 54),
        ("$c$d", None),
    ],
)
def test_parameters_and_arithmetic_on_them(text, result):
    if result is not None:
        assert value(text) == result


def test_a_whole_parameter_may_be_any_text():
    (edge,) = fabric(
        'x -> y [op="$kind", channels=4, norm="$n"]', "source=x, target=y, kind=conv, n=none"
    ).edges
    assert (edge.op, edge.arguments["norm"]) == ("conv", "none")


def test_a_parameter_may_be_said_in_terms_of_others():
    assert value("$wide", 'source=x, target=y, c=16, wide="2*$c"') == 32


def test_settings_override_parameters():
    assert value("$c", settings={"c": "8"}) == 8
    assert value("$c", settings={"c": 8}) == 8
    assert value("2*$c", settings={"c": 8}) == 16
    assert value("$wide", 'source=x, target=y, c=16, wide="2*$c"', {"c": 3}) == 6
    assert value("$wide", 'source=x, target=y, c=16, wide="2*$c"', {"wide": "3*$c"}) == 48


def test_a_misspelt_setting_is_refused():
    body = 'x -> y [op=conv, channels="$channels"]'
    graph = "source=x, target=y, channels=16"
    assert problems(body, graph, {"chanels": 8}) == [
        "there is no parameter 'chanels' to set @ g.dot: did you mean 'channels'?"
    ]
    assert problems(body, graph, {"zzz": 8}) == [
        "there is no parameter 'zzz' to set @ g.dot: its parameters are channels"
    ]
    assert problems("x -> y [op=identity]", settings={"zzz": 8}) == [
        "there is no parameter 'zzz' to set @ g.dot: its parameters are none"
    ]


def test_an_unset_parameter_is_told_once_and_the_argument_is_not_called_missing():
    body = 'x -> y [op=conv, channels="$chanels"]'
    assert problems(body, "source=x, target=y, channels=4") == [
        "channels=$chanels names a parameter that is not set @ edge x->y#0, line 4: did you mean 'channels'?",
        "parameter 'channels' is never used @ graph: use it as \"$channels\", or remove it",
    ]
    assert problems(body) == [
        "channels=$chanels names a parameter that is not set @ edge x->y#0, line 4: add `graph [chanels=...]`"
    ]
    assert draft(body).broken == {0}


def test_a_parameter_that_bears_a_name_of_graphviz_is_told_so():
    assert problems('x -> y [op=conv, channels="$size"]', "source=x, target=y, size=4") == [
        "channels=$size names a parameter that is not set @ edge x->y#0, line 4: "
        "'size' has a meaning of its own on a graph, so give the parameter another name"
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2*", None),
        ("$c *", "must be arithmetic on numbers"),
        ("$c + x", "must be arithmetic on numbers"),
        ("$c ** 2", "must be arithmetic on numbers"),
        ("$c.__class__", "must be arithmetic on numbers"),
        ("__import__('os').system('true') + $c", "must be arithmetic on numbers"),
        ("$c if $c else 1", "must be arithmetic on numbers"),
        ("[$c][0]", "must be arithmetic on numbers"),
        ("(lambda: $c)()", "must be arithmetic on numbers"),
        ("f'{$c}'", "must be arithmetic on numbers"),
        ("$c and 1", "must be arithmetic on numbers"),
        ("$c < 3", "must be arithmetic on numbers"),
        ("1j * $c", "must be arithmetic on numbers"),
        ("$c / 0", "must be a finite number"),
        ("$c % 0", "must be a finite number"),
        ("9**9**9**9*$c", "must be arithmetic on numbers"),
        ("1e308*10*$c", "must be a finite number"),
        ("$c*" + "9" * 300, "must be shorter arithmetic"),
        ("(" * 90 + "$c" + ")" * 90, None),
        ("(" * 150 + "$c", "must be"),
        ("-" * 150 + "$c", None),
    ],
)
def test_bad_arithmetic_is_refused_quickly_and_nothing_is_run(text, what):
    start = time.process_time()
    found = problems(f'x -> y [op=conv, channels="{text}"]', "source=x, target=y, c=16")
    assert time.process_time() - start < 1
    if what is not None:
        assert len(found) == 1
        assert found[0].startswith(f"channels={text} ")
        assert what in found[0]
        assert "@ edge x->y#0, line 4" in found[0]


def test_parameters_that_name_each_other_in_a_circle_end_in_an_error():
    found = problems('x -> y [op=conv, channels="$a"]', 'source=x, target=y, a="$b", b="$a"')
    assert found
    assert all("@" in problem for problem in found)


# --- sources, targets, keys


def test_several_sources_and_targets_stand_comma_separated():
    read = fabric('edge [op=identity]; x -> y; w -> y -> z; w [input="1x8x8"]', 'source="x, w", target="z,y"')
    assert (read.sources, read.targets) == (("x", "w"), ("z", "y"))


def test_a_node_name_may_hold_a_comma():
    read = fabric('x -> "y,z" [op=identity]', 'source=x, target="y,z"')
    assert read.targets == ("y,z",)


def test_keys_are_counted_in_file_order_and_edges_bear_them_in_their_names():
    read = fabric(
        "x -> y [op=identity]; x -> y [op=dropout]; x -> y [op=max_pool, stride=1, window=1, key=down]; x "
        "-> y [op=shortcut, channels=1]"
    )
    assert [(edge.name, edge.op) for edge in read.edges] == [
        ("x->y#0", "identity"),
        ("x->y#1", "dropout"),
        ("x->y#3", "shortcut"),
        ("x->y#down", "max_pool"),
    ]


def test_nodes_and_keys_sort_as_people_count():
    body = "edge [op=identity]; x -> s10 -> y; x -> s9 -> y; x -> s2 -> y; " + "x -> y; " * 11
    read = fabric(body)
    assert [node.name for node in read.nodes] == ["x", "s2", "s9", "s10", "y"]
    assert [edge.key for edge in read.edges if (edge.source, edge.target) == ("x", "y")] == [
        str(i) for i in range(11)
    ]


# --- files


def test_a_fabric_with_scopes_defaults_and_parameters_is_what_it_says():
    read = raw_to_fabric(dot_to_raw(THREE_SIZES, "test")).finish()
    assert (read.name, read.sources, read.targets) == ("digits", ("image",), ("scores",))
    assert [node.name for node in read.nodes] == [
        *["image", "a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "c0", "c1", "c2", "scores"]
    ]
    assert len(read.edges) == 33
    assert [edge.name for edge in read.edges if edge.fixed] == ["image->a0#0", "c2->scores#0"]
    assert read.edges[read.edge_index["image->a0#0"]].arguments == {"channels": 16, "kernel": 3}
    assert read.edges[read.edge_index["a0->a2#0"]].arguments == {"channels": 16, "kernel": 5}
    assert read.edges[read.edge_index["a0->a1#1"]].arguments == {}
    assert read.edges[read.edge_index["b3->c0#2"]].arguments == {"channels": 64, "stride": 2, "window": 2}
    assert [node.activation for node in read.nodes] == ["none", *["relu"] * 11, "none"]


def test_the_fabrics_that_come_with_the_package_can_be_read():
    for path in DIGITS.parent.glob("*.dot"):
        assert read_fabric(path).edges


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    (tmp_path / "latin.dot").write_bytes("digraph { ä }".encode("latin-1"))
    for name, text in {
        "none.dot": "cannot be read (No such file or directory)",
        "latin.dot": "byte 10 is not UTF-8: save the file as UTF-8 text",
        "fabric.txt": "a fabric's suffix says its format: name it .dot or .gv (DOT), .graphml (GraphML), "
        ".json (node-link JSON)",
    }.items():
        with pytest.raises(InputError) as caught:
            read_fabric(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {text}"
        assert caught.value.exit_code == 2


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    read = read_fabric(DIGITS)
    with pytest.raises(InputError, match="cannot be written"):
        write_fabric(read, tmp_path / "none" / "a.dot")
    with pytest.raises(InputError, match="name it"):
        write_fabric(read, tmp_path / "a.yaml")
    write_fabric(read, tmp_path / "a.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["a.dot"]


# --- the order of statements


@given(st.randoms(use_true_random=False))
def test_the_index_of_an_edge_does_not_depend_on_the_order_of_statements(shuffle: random.Random):
    graph = fabric_to_networkx(read_fabric(DIGITS))
    lines = [
        f'{s} -> {t} [key="{k}" ' + " ".join(f'{n}="{v}"' for n, v in d.items()) + "]"
        for s, t, k, d in graph.edges(keys=True, data=True)
    ]
    lines += [
        f"{name} [" + " ".join(f'{n}="{v}"' for n, v in data.items()) + "]"
        for name, data in graph.nodes(data=True)
    ]
    lines += ["source=image", "target=scores"]
    shuffle.shuffle(lines)
    read = raw_to_fabric(dot_to_raw("digraph digits {\n" + "\n".join(lines) + "\n}", "shuffled")).finish()
    assert read == read_fabric(DIGITS)
    assert [edge.name for edge in read.edges] == [edge.name for edge in read_fabric(DIGITS).edges]


# --- networkx


THREE_SIZES = """
digraph digits {
  graph [format=1, source=image, target=scores, channels=16, classes=10];
  node  [activation=relu];
  edge  [op=conv, kernel=3];

  image  [input="1x8x8", activation=none];
  scores [activation=none];

  subgraph fine {
    edge [channels="$channels"];
    image -> a0 [fixed=true];
    a0 -> a1;   a0 -> a1 [op=identity];
    a1 -> a2;   a1 -> a2 [op=identity];
    a2 -> a3;   a2 -> a3 [op=identity];
    a0 -> a2 [kernel=5];
  }
  subgraph middle {
    edge [channels="2*$channels"];
    a3 -> b0 [stride=2];
    a3 -> b0 [kernel=1, stride=2];
    a3 -> b0 [op=max_pool, window=3, stride=2];
    a1 -> b0 [op=shortcut, stride=2];
    a1 -> b1 [kernel=1, stride=2];
    a2 -> b1 [stride=2];
    b0 -> b1;   b0 -> b1 [op=identity];
    b1 -> b2;   b1 -> b2 [op=identity];
    b2 -> b3;   b2 -> b3 [op=identity];
    b0 -> b3 [op=separable_conv];
  }
  subgraph coarse {
    edge [channels="4*$channels"];
    b3 -> c0 [stride=2];
    b3 -> c0 [kernel=1, stride=2];
    b3 -> c0 [op=avg_pool, window=2, stride=2];
    b1 -> c0 [op=shortcut, stride=2];
    b1 -> c1 [stride=2];
    b2 -> c1 [op=max_pool, window=3, stride=2];
    c0 -> c1;   c0 -> c1 [op=identity];
    c1 -> c2;   c1 -> c2 [op=identity];
    c0 -> c2 [kernel=1];
  }
  c2 -> scores [op=classifier, classes="$classes", fixed=true];
}
"""


def typed_three_sizes(order: random.Random) -> nx.MultiDiGraph:
    """THREE_SIZES built by hand in Python, with typed values, in any order; with keys,
    as that order would change them.
    """
    graph = nx.MultiDiGraph(name="digits", format=1, source="image", target="scores", channels=16, classes=10)
    graph.graph["node"] = {"activation": "relu"}
    graph.graph["edge"] = {"op": "conv", "kernel": 3}
    fine, middle, coarse = ({"channels": text} for text in ("$channels", "2*$channels", "4*$channels"))
    skip, half = {"op": "identity"}, {"stride": 2}
    rows = [("image", "a0", {"fixed": True, **fine})]
    rows += [("c2", "scores", {"op": "classifier", "classes": "$classes", "fixed": True})]
    for pair in ("a0 a1", "a1 a2", "a2 a3"):
        rows += [(*pair.split(), fine), (*pair.split(), skip)]
    rows += [("a0", "a2", {"kernel": 5, **fine})]
    rows += [("a3", "b0", {**half, **middle}), ("a3", "b0", {"kernel": 1, **half, **middle})]
    rows += [
        ("a3", "b0", {"op": "max_pool", "window": 3, **half, **middle}),
        ("a1", "b0", {"op": "shortcut", **half, **middle}),
    ]
    rows += [("a1", "b1", {"kernel": 1, **half, **middle}), ("a2", "b1", {**half, **middle})]
    for pair in ("b0 b1", "b1 b2", "b2 b3"):
        rows += [(*pair.split(), middle), (*pair.split(), skip)]
    rows += [("b0", "b3", {"op": "separable_conv", **middle})]
    rows += [("b3", "c0", {**half, **coarse}), ("b3", "c0", {"kernel": 1, **half, **coarse})]
    rows += [
        ("b3", "c0", {"op": "avg_pool", "window": 2, **half, **coarse}),
        ("b1", "c0", {"op": "shortcut", **half, **coarse}),
    ]
    rows += [
        ("b1", "c1", {**half, **coarse}),
        ("b2", "c1", {"op": "max_pool", "window": 3, **half, **coarse}),
    ]
    for pair in ("c0 c1", "c1 c2"):
        rows += [(*pair.split(), coarse), (*pair.split(), skip)]
    rows += [("c0", "c2", {"kernel": 1, **coarse})]
    keyed = [
        (source, target, sum(row[:2] == (source, target) for row in rows[:i]), data)
        for i, (source, target, data) in enumerate(rows)
    ]
    order.shuffle(keyed)
    for source, target, key, data in keyed:
        graph.add_edge(source, target, key, **data)
    graph.add_node("image", input=(1, 8, 8), activation="none")
    graph.add_node("scores", activation="none")
    return graph


@given(st.randoms(use_true_random=False))
def test_a_networkx_graph_with_the_same_attributes_is_the_same_fabric(order):
    raw = dot_to_raw(THREE_SIZES, "test")
    assert fabric_from_networkx(typed_three_sizes(order)) == raw_to_fabric(raw).finish()
    assert (
        fabric_from_networkx(typed_three_sizes(order), {"channels": 3})
        == raw_to_fabric(raw, {"channels": "3"}).finish()
    )


@given(
    small_graphs(max_edges=12, max_sources=2, max_targets=2, costs=True), st.randoms(use_true_random=False)
)
def test_the_order_of_a_networkx_graph_does_not_matter(graph, order):
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(keys=True, data=True))
    order.shuffle(nodes)
    order.shuffle(edges)
    shuffled = nx.MultiDiGraph(**graph.graph)
    shuffled.add_nodes_from(nodes)
    shuffled.add_edges_from(edges)
    read = fabric_from_networkx(graph)
    assert fabric_from_networkx(shuffled) == read
    assert fabric_from_networkx(fabric_to_networkx(read)) == read


def test_a_graph_without_parallel_edges_and_with_nodes_that_are_no_text_is_taken_too():
    graph = nx.DiGraph(source=1, target=2)
    graph.add_node(1, input=[4])
    graph.add_edge(1, 2, op="identity", cost_mj=None)
    read = fabric_from_networkx(graph)
    assert (read.sources, read.edges[0].name, read.nodes[0].input) == (("1",), "1->2#0", (4,))


def test_numbers_of_numpy_are_numbers():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input=tuple(np.array([1, 8, 8])))
    graph.add_edge(
        "x", "y", op="conv", channels=np.int64(4), fixed=np.bool_(False), probability=np.float32(0.5)
    )
    read = fabric_from_networkx(graph)
    assert read.edges[0].arguments == {"channels": 4}
    assert (read.edges[0].fixed, read.edges[0].probability) == (False, 0.5)
    assert raw_to_fabric(dot_to_raw(fabric_to_dot(read), "written")).finish() == read


def test_arrays_and_parameters_of_numpy_are_read_as_python_has_them():
    graph = nx.MultiDiGraph(source="x", target="y", width=np.int64(8), format=np.int64(1))
    graph.graph["node"] = {"merge": np.str_("mean")}
    graph.add_node("x", input=np.array([1, 8, 8]))
    graph.add_edge("x", "y", np.int64(3), op="conv", channels="2*$width", cost_mj=np.float64(0.1))
    read = fabric_from_networkx(graph)
    (edge,) = read.edges
    assert (read.nodes[0].input, read.nodes[1].merge) == ((1, 8, 8), "mean")
    assert (edge.key, edge.arguments, edge.costs) == ("3", {"channels": 16}, {"mj": 0.1})
    assert type(edge.arguments["channels"]) is int
    assert type(edge.costs["mj"]) is float


def test_node_0_is_a_node_like_any_other():
    for source, target in ((0, 1), (1, 0), (np.int64(0), 1)):
        graph = nx.MultiDiGraph(source=source, target=target)
        graph.add_node(source, input="4")
        graph.add_edge(source, target, op="identity")
        read = fabric_from_networkx(graph)
        assert (read.sources, read.targets) == ((str(source),), (str(target),))


def read_by_networkx(path: Path) -> nx.MultiDiGraph:
    with warnings.catch_warnings():  # pydot's parser warns of its own use of pyparsing
        warnings.simplefilter("ignore", DeprecationWarning)
        return nx.nx_pydot.read_dot(path)


SMALL = """digraph "a small one" {
  source=image; target="the end"; channels=16; label="say \\"hi\\" to\\nall"; rankdir=LR;
  node [activation=relu];
  edge [op=conv, channels="2*$channels"];
  image [input="1x8x8", activation=none, xlabel=<<b>x</b>>];
  image -> a [fixed=true];
  a -> b; a -> b [op=identity, key="skip one"]; a -> b [kernel=1];
  b -> "the end" [op=classifier, classes=10, fixed=true];
}"""


def test_a_graph_that_networkx_read_from_dot_is_the_fabric_of_the_file(tmp_path):
    (tmp_path / "f.dot").write_text(SMALL)
    graph = read_by_networkx(tmp_path / "f.dot")
    assert set(graph.graph) == {"name", "graph", "node", "edge"}  # where networkx puts things
    read, meant = fabric_from_networkx(graph), read_fabric(tmp_path / "f.dot")
    assert (read.name, read.sources, read.style) == (meant.name, meant.sources, meant.style)
    assert {node.name: node for node in read.nodes} == {node.name: node for node in meant.nodes}
    assert read == meant
    assert fabric_from_networkx(graph, {"channels": 4}) == read_fabric(tmp_path / "f.dot", {"channels": 4})


@pytest.mark.parametrize("name", ["digits.dot", "cells.dot"])
def test_a_written_fabric_goes_through_networkxs_own_reader_of_dot(name, tmp_path):
    meant = read_fabric(DIGITS.with_name(name))
    write_fabric(meant, tmp_path / "f.dot")
    assert fabric_from_networkx(read_by_networkx(tmp_path / "f.dot")) == meant


def test_defaults_that_networkx_keeps_of_a_dot_file_are_defaults_and_may_be_wrong():
    graph = nx.MultiDiGraph(graph={"source": '"x"', "target": "y", "k": "3"}, edge={"kernl": '"3"'})
    graph.add_node("x", input='"4"')
    graph.add_edge("x", "y", op="identity")
    with pytest.raises(FabricError) as caught:
        fabric_from_networkx(graph)
    assert [str(problem) for problem in caught.value.problems] == [
        "default 'kernl' is something that no operation takes @ edge [...]: did you mean 'kernel'?",
        "parameter 'k' is never used @ graph: use it as \"$k\", or remove it",
    ]


def test_quotes_in_a_graph_built_in_python_are_quotes():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input=(4,), label='"quoted"')
    graph.add_edge("x", "y", op="identity")
    assert fabric_from_networkx(graph).nodes[0].style == {"label": '"quoted"'}


def test_an_undirected_graph_is_refused():
    with pytest.raises(FabricError) as caught:
        fabric_from_networkx(nx.MultiGraph(source="x", target="y"))
    assert str(caught.value) == (
        "graph: 1 problem\n  - the graph is undirected @ graph: build it as an nx.MultiDiGraph: an edge "
        "has a direction"
    )


def test_mistakes_in_a_networkx_graph_are_told_without_lines():
    graph = nx.MultiDiGraph(source="x", target="y", edge={"kernl": 3})
    graph.add_node("x", input=(1, 8, 8))
    graph.add_edge("x", "y", op="conv", channels=[4])
    graph.add_edge("x", "y", op="covn")
    with pytest.raises(FabricError) as caught:
        fabric_from_networkx(graph)
    assert [str(problem) for problem in caught.value.problems] == [
        "default 'kernl' is something that no operation takes @ edge [...]: did you mean 'kernel'?",
        "channels=[4] must be a whole number @ edge x->y#0: conv takes channels: int",
        "unknown operation 'covn' @ edge x->y#1: did you mean 'conv'?; one of your own is loaded by --ops "
        "FILE.py, in Python by load_operations",
    ]


def test_text_that_dot_cannot_say_is_refused_before_it_is_written():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input=(4,), label="ends in \\")
    graph.add_edge("x", "y", op="identity", label='a \\" b')
    with pytest.raises(FabricError) as caught:
        fabric_from_networkx(graph)
    assert [problem.where for problem in caught.value.problems] == ["node x", "edge x->y#0"]
    assert str(caught.value.problems[0]) == (
        "label='ends in \\\\' holds a backslash that DOT cannot write @ node x: "
        "double a backslash before a quote, a new line or the end of the text"
    )
    graph.nodes["x"]["label"] = "ends in \\\\"
    graph.edges["x", "y", 0]["label"] = "one\\ntwo"
    read = fabric_from_networkx(graph)
    assert raw_to_fabric(dot_to_raw(fabric_to_dot(read), "written")).finish() == read
    graph.graph["label"] = "\\"
    assert [problem.where for problem in raw_to_fabric(networkx_to_raw(graph)).problems] == ["graph"]


# --- light imports


def test_reading_a_fabric_does_not_import_torch():
    code = (
        f"import sys; import bsngraph.fabric as f; f.read_fabric({str(DIGITS)!r}); print('torch' in "
        "sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_parameters_said_in_terms_of_each_other_resolve_in_any_order():
    found = fabric('x -> y [op=conv, channels="$a"]', 'source=x, target=y, a="2*$b", b="$c+1", c=3')
    assert found.edges[0].arguments["channels"] == 8


def test_parameters_in_a_circle_are_an_error_that_names_it():
    found = problems('x -> y [op=conv, channels="$a"]', 'source=x, target=y, a="$b", b="$a"')
    assert any("is said in terms of itself" in problem and "a -> b -> a" in problem for problem in found), (
        found
    )


def test_a_dollar_in_an_attribute_of_graphviz_is_a_dollar():
    found = fabric('x -> y [op=identity, label="US$5"]; y [xlabel="$x"]')
    assert found.edges[0].style == {"label": "US$5"}
    assert found.nodes[1].style == {"xlabel": "$x"}


def test_a_default_activation_or_merge_does_not_change_what_comes_in_at_a_source():
    found = fabric("x -> y [op=identity]", "source=x, target=y").nodes
    assert [node.activation for node in found] == ["none", "none"]
    text = (
        'digraph { graph [source=x, target=y]; node [activation=relu, merge=mean]; x [input="1x8x8"]; '
        "x -> y [op=identity]; }"
    )
    source, target = raw_to_fabric(dot_to_raw(text, "g.dot")).finish().nodes
    assert (source.activation, source.merge) == ("none", "sum")
    assert (target.activation, target.merge) == ("relu", "mean")
    own = raw_to_fabric(dot_to_raw(text.replace('1x8x8"', '1x8x8", activation=tanh'), "g.dot")).finish()
    assert own.nodes[0].activation == "tanh"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("x -> y [op=identity, cost_macs=3]", "cost_macs annotates a cost that is computed"),
        ("y [concat_channels=3]; x -> y [op=identity]", "concat_channels has no meaning at merge=sum"),
        (
            "x -> y [op=identity, concat_offset=0]",
            "concat_offset has no meaning on an edge into a node of merge=sum",
        ),
    ],
)
def test_words_where_they_have_no_meaning_are_errors(body: str, text: str):
    assert any(text in problem for problem in problems(body)), problems(body)


def test_a_source_that_is_a_target_is_an_error():
    assert any(
        "the source is a target too" in problem
        for problem in problems("x -> y [op=identity]", 'source=x, target="x,y"')
    )


def test_a_merge_and_an_activation_are_known_once_they_stand_in_their_tables(monkeypatch):
    monkeypatch.setitem(MERGES, "median", Merge("the median of the inputs present", "nowhere:median"))
    monkeypatch.setitem(ACTIVATIONS, "cube", "nowhere:cube")
    read = fabric("x -> y [op=identity]; x -> y [op=dropout]; y [merge=median, activation=cube]")
    assert (read.nodes[1].merge, read.nodes[1].activation) == ("median", "cube")
    assert raw_to_fabric(dot_to_raw(fabric_to_dot(read), "written")).finish() == read
    assert "median" in fabric_drawing(read)
    assert problems("x -> y [op=identity]; y [merge=medan]") == [
        "merge=medan is not known @ node y, line 4: did you mean 'median'?"
    ]


def test_texts_of_a_graph_that_networkx_read_from_dot_lose_their_quotes_also_without_its_graph_statement():
    """networkx keeps defaults of nodes and edges, and drops `graph [...]`."""
    graph = nx.MultiDiGraph(source="x", target="y", node={"activation": '"relu"'}, edge={"op": '"identity"'})
    graph.add_node("x", input='"1x4x4"')
    graph.add_edge("x", "y")
    fabric = fabric_from_networkx(graph)
    assert fabric.nodes[0].input == (1, 4, 4)
    assert (fabric.nodes[1].activation, fabric.edges[0].op) == ("relu", "identity")
