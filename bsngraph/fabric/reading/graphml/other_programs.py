"""What yEd and Gephi write into a GraphML file for themselves.

Only words that these programs are known to write are passed over (colours, places,
statistics). A word that nobody knows stays an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bsngraph.fabric.reading.graphml.document import Document
from bsngraph.fabric.words.format_words import argument_words

_YED_WORDS = frozenset({"url", "description", "Description", "shape_type", "x", "y"})
_GEPHI_COLUMNS = """
    label, Label, edgelabel, Edge Label, Edge Type, weight, timeset, interval,
    r, g, b, alpha, x, y, z, size,
    Degree, In-Degree, Out-Degree, Weighted Degree, Weighted In-Degree, Weighted Out-Degree,
    Modularity Class, Eccentricity, Closeness Centrality, Harmonic Closeness Centrality,
    Betweenness Centrality, PageRank, pageranks, Component ID, Strongly-Connected ID,
    Authority, Hub, Clustering Coefficient, Eigenvector Centrality, Number of triangles
"""
_GEPHI_WORDS = frozenset(column.strip() for column in _GEPHI_COLUMNS.split(","))
_COUNTED_NODE = re.compile(r"n?[0-9]+(::n?[0-9]+)*")
_COUNTED_EDGE = re.compile(r"(n?[0-9]+::)*e[0-9]+|[0-9]+")


@dataclass(frozen=True)
class OtherProgram:
    """The program that wrote the file, if it was yEd or Gephi. `words` are its own, and
    `arguments` those of all operations, which may be meant for us.
    """

    yed: bool
    gephi: bool
    words: frozenset[str]
    arguments: frozenset[str]

    @property
    def counts_ids(self) -> bool:
        """Whether a person types labels, and the program counts ids."""
        return self.yed or self.gephi


def other_program(document: Document) -> OtherProgram:
    """Tell by a file's keys which program wrote it."""
    names = {key.name for key in document.keys.values()}
    yed = any(key.yed for key in document.keys.values()) or "shape_type" in names
    gephi = not yed and bool(names & {"Edge Label", "edgelabel"} or {"r", "g", "b", "size"} <= names)
    words = (_YED_WORDS if yed else frozenset()) | (_GEPHI_WORDS if gephi else frozenset())
    return OtherProgram(yed, gephi, words, argument_words())


def is_counted_node(id_: str) -> bool:
    """Whether a program counted the id of a node: `n0`, `n0::n1`, `7`."""
    return _COUNTED_NODE.fullmatch(id_) is not None


def is_counted_edge(id_: str) -> bool:
    """Whether a program counted the id of an edge: `e0`, `n0::e1`, `7`."""
    return _COUNTED_EDGE.fullmatch(id_) is not None
