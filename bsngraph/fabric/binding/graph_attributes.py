"""What stands on the graph itself: its style, its parameters, its format, its sources
and targets; and the default statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.errors import nearest
from bsngraph.fabric.binding.cures.misplaced import place_of_word
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.binding.parameters import report_unwritable
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawGraph, place
from bsngraph.fabric.words import graphviz_words
from bsngraph.fabric.words.format_words import (
    COMPUTED_PREFIX,
    COST_PREFIX,
    FORMAT,
    GRAPH_WORDS,
    NODE_WORDS,
    STYLE,
    argument_words,
)
from bsngraph.fabric.words.name_lists import split_names
from bsngraph.fabric.words.writable_text import cannot_be_written
from bsngraph.ops import EDGE_WORDS, Value


@dataclass(frozen=True)
class GraphAttributes:
    """A graph's attributes that are neither ours nor empty: Graphviz's own, and all
    others, which are parameters.
    """

    style: Mapping[str, str]
    parameters: Mapping[str, Value]


def split_attributes(raw: RawGraph, problems: ProblemList) -> GraphAttributes:
    """Tell style from parameters, and check that the style can be written."""
    rest = {
        name: value
        for name, value in raw.attributes.items()
        if name not in GRAPH_WORDS and value is not None and value != ""
    }
    style = {name: str(value) for name, value in rest.items() if name in graphviz_words.GRAPH}
    for name, text in {"name": raw.name, **style}.items():
        if cannot_be_written(text):
            report_unwritable(name, text, "graph", problems)
    return GraphAttributes(style, {name: value for name, value in rest.items() if name not in style})


def check_format(raw: RawGraph, problems: ProblemList) -> None:
    """Check that the file is of the version of the format that we read."""
    version = raw.attributes.get("format", FORMAT)
    if version not in (None, "") and str(version) != str(FORMAT):
        cure = f"this version reads format={FORMAT}"
        problems.report(f"format={version} is not known", "graph", cure)


def terminals(raw: RawGraph, word: str, spelling: Spelling, problems: ProblemList) -> list[str]:
    """The nodes that the graph names as its `source` or `target`."""
    known = {node.name for node in raw.nodes}
    names = split_names(str(raw.attributes.get(word) or ""), known)
    if not names:
        problems.report(f"the graph names no {word}", "graph", f"add {spelling.on_graph(word, 'NODE')}")
    for name in names:
        if name not in known:
            problems.report(f"{word} {name!r} is not a node", "graph", nearest(name, known))
    return [name for name in dict.fromkeys(names) if name in known]


def check_defaults(raw: RawGraph, spelling: Spelling, problems: ProblemList) -> None:
    """Check that every default is a word that some node or some operation takes."""
    known = {
        "node": NODE_WORDS | graphviz_words.NODE,
        "edge": EDGE_WORDS | graphviz_words.EDGE | argument_words(),
    }
    for default in dict.fromkeys(raw.defaults):
        free = default.kind == "edge" and default.name.startswith((COST_PREFIX, COMPUTED_PREFIX))
        if default.name not in known[default.kind] and not free:
            takes = "no operation takes" if default.kind == "edge" else "no node takes"
            elsewhere = place_of_word(default.name, "...", default.kind, spelling)
            problems.report(
                f"default {default.name!r} is something that {takes}",
                place(f"{default.kind} [...]", default.line),
                elsewhere or nearest(default.name, known[default.kind] - STYLE),
            )
