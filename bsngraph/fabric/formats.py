"""Files ↔ Fabric. The suffix of a file says its format; each format is one row of
`FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.errors import FabricError, InputError, Problem
from bsngraph.fabric.binding.cures.near_files import check_graph_path, held_format
from bsngraph.fabric.binding.cures.spelling import DOT, GRAPHML, NETWORKX, NODE_LINK, Spelling
from bsngraph.fabric.binding.draft import Draft
from bsngraph.fabric.binding.raw_to_fabric import raw_to_fabric
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading.bounds import MAX_BYTES, TOO_LARGE, check_texts
from bsngraph.fabric.reading.dot_to_raw import dot_to_raw
from bsngraph.fabric.reading.graphml_to_raw import graphml_to_raw
from bsngraph.fabric.reading.networkx_to_raw import networkx_to_raw
from bsngraph.fabric.reading.node_link_to_raw import node_link_to_raw
from bsngraph.fabric.reading.raw import RawGraph
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.fabric.writing.fabric_to_graphml import write_graphml
from bsngraph.fabric.writing.fabric_to_node_link import write_node_link
from bsngraph.garbage import without_collector
from bsngraph.ops import Value
from bsngraph.whole_files import read_bounded, write_whole

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Format:
    """A file format.

    `read` takes the content of a file and its path, for messages. It raises a
    FabricError if the content is not of this format. `write` gives what `read` reads
    back as the same Fabric. `spelling` is how its attributes look, for cures.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[bytes, str], RawGraph]
    write: Callable[[Fabric], str | bytes]
    spelling: Spelling = DOT


def from_text(read: Callable[[str, str], RawGraph]) -> Callable[[bytes, str], RawGraph]:
    """A reader of UTF-8 text, as a format needs it."""

    def read_bytes(content: bytes, origin: str) -> RawGraph:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            cure = "save the file as UTF-8 text"
            raise InputError(f"{origin}: byte {error.start} is not UTF-8: {cure}") from None
        return read(text, origin)

    return read_bytes


FORMATS = (
    Format("DOT", (".dot", ".gv"), from_text(dot_to_raw), fabric_to_dot, DOT),
    Format("GraphML", (".graphml",), graphml_to_raw, write_graphml, GRAPHML),
    Format("node-link JSON", (".json",), from_text(node_link_to_raw), write_node_link, NODE_LINK),
)


def read_fabric(path: str | Path, settings: Mapping[str, Value] | None = None) -> Fabric:
    """Read a fabric from a DOT, GraphML or node-link JSON file; `settings` override its
    parameters.

    Raises:
        FabricError: it is not a valid fabric; all problems are listed.
        InputError: the file cannot be read.
    """
    return draft_file(path, settings).finish()


@without_collector()
def draft_file(path: str | Path, settings: Mapping[str, Value] | None = None) -> Draft:
    """Read a file as far as it goes; what is wrong with the graph is in the draft.
    Nothing in a file is executed or imported.

    Raises:
        FabricError: the file is not of the format that its suffix says, or larger than
            any fabric.
        InputError: the file cannot be read, or its suffix is not a known one.
    """
    path = Path(path)
    check_graph_path(path, [suffix for format_ in FORMATS for suffix in format_.suffixes])
    format_ = format_of(path)
    content = read_bounded(path, MAX_BYTES, TOO_LARGE)
    try:
        raw = format_.read(content, str(path))
    except FabricError:
        other = next((each for each in FORMATS if each.name == held_format(content)), format_)
        if other is format_:
            raise
        cure = f"name it {' or '.join(other.suffixes)}, or save it as {format_.name}"
        what = f"the file holds {other.name}, and its suffix says {format_.name}"
        raise FabricError(str(path), [Problem(what, "the whole file", cure)]) from None
    return raw_to_fabric(check_texts(raw), settings, format_.spelling)


def fabric_from_networkx(graph: nx.MultiDiGraph[Any], settings: Mapping[str, Value] | None = None) -> Fabric:
    """A fabric built in Python: a directed networkx graph with the attributes of the
    file format. A graph that networkx read from DOT is understood, too.

    Raises:
        FabricError: it is not a valid fabric; all problems are listed.
    """
    return raw_to_fabric(networkx_to_raw(graph), settings, NETWORKX).finish()


@without_collector()
def write_fabric(fabric: Fabric, path: str | Path) -> None:
    """Write a fabric in canonical form, in the format that the suffix says; the file is
    written whole or not at all.

    Raises:
        InputError: the suffix is not a known one, or the file cannot be written.
    """
    path = Path(path)
    write_whole(path, format_of(path).write(fabric))


def format_of(path: Path) -> Format:
    """The format that a path's suffix says.

    Raises:
        InputError: no format has that suffix.
    """
    for format_ in FORMATS:
        if path.suffix.lower() in format_.suffixes:
            return format_
    known = ", ".join(f"{' or '.join(format_.suffixes)} ({format_.name})" for format_ in FORMATS)
    raise InputError(f"{path}: a fabric's suffix says its format: name it {known}")
