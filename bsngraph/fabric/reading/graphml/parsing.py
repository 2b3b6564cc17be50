"""The bytes of a GraphML file → a Document, by the events of the XML parser.

Elements of another program are passed over with everything in them; only the labels
that yEd draws on nodes are kept. Names of elements arrive as `namespace name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from xml.parsers import expat

from bsngraph.errors import FabricError, Problem, nearest
from bsngraph.fabric.reading.bounds import MAX_DEPTH
from bsngraph.fabric.reading.graphml.cursor import Cursor
from bsngraph.fabric.reading.graphml.document import Datum, Document
from bsngraph.fabric.reading.graphml.elements import ELEMENTS, UNSUPPORTED

_GRAPHML = "http://graphml.graphdrawing.org/xmlns"
_YED_LABEL = "http://www.yworks.com/xml/graphml NodeLabel"


def parse_graphml(content: bytes, origin: str) -> Document:
    """Collect what a file says.

    Raises:
        FabricError: it is not XML, not GraphML, or not of one directed graph; it
            declares a document type, or passes a bound.
    """
    at = Cursor(Document(origin))
    at.parser.StartDoctypeDeclHandler = partial(_doctype, at)
    at.parser.StartElementHandler = partial(_start, at)
    at.parser.EndElementHandler = partial(_end, at)
    at.parser.CharacterDataHandler = partial(_characters, at)
    try:
        at.parser.Parse(content, True)
    except expat.ExpatError as error:
        what = f"not well-formed XML ({expat.errors.messages[error.code]})"
        where = f"line {error.lineno}, column {error.offset + 1}"
        cure = "is it a GraphML file, complete, and saved as UTF-8?"
        raise FabricError(origin, [Problem(what, where, cure)]) from None
    if at.document.graph is None:
        raise FabricError(origin, [Problem("the file holds no graph", f"line {at.line}", "write a <graph>")])
    return at.document


def _doctype(at: Cursor, *_: object) -> None:
    cure = "remove <!DOCTYPE ...>: GraphML needs none, and entities are not read"
    raise at.fail("a document type declaration", cure)


def _start(at: Cursor, element: str, attributes: Mapping[str, str]) -> None:
    at.meter.spend(1 + len(attributes), f"line {at.line}")
    if len(at.open) >= MAX_DEPTH:
        cure = "fabrics need no groups inside groups to this depth"
        raise at.fail(f"elements nest deeper than {MAX_DEPTH}", cure)
    namespace, _, name = element.rpartition(" ")
    within = at.open[-1] if at.open else ""
    if at.datum is not None:
        _keep_label(at, within)
        at.inside_datum += 1
        at.text = []
        at.open.append(element)
        return
    at.open.append(name)
    if not within and name != "graphml":
        raise at.fail(f"the file holds <{name}>", "is it a GraphML file? It begins with <graphml>")
    if namespace not in ("", _GRAPHML):
        at.skip()
    elif name in ELEMENTS:
        ELEMENTS[name](at, attributes, within)
    elif name in UNSUPPORTED:
        cure = f"write edges from one node to one other, all in this file, without <{name}>"
        raise at.fail(f"a fabric has no {name}s", cure)
    else:
        raise at.fail(f"GraphML has no element <{name}>", nearest(name, ELEMENTS))


def _end(at: Cursor, element: str) -> None:
    at.open.pop()
    name = element.rpartition(" ")[2]
    if at.datum is not None and at.inside_datum:
        _keep_label(at, element)
        at.inside_datum -= 1
        at.text = []
    elif at.datum is not None:
        if at.datum and at.items:
            at.items[-1].data.append(Datum(at.datum, "".join(at.text), at.line))
        at.datum, at.text = None, []
    elif name in ("graph", "node", "edge"):
        at.items.pop()
    elif name == "default" and at.key is not None:
        at.key.default = "".join(at.text)
    elif name == "key":
        at.key = None


def _characters(at: Cursor, text: str) -> None:
    if at.datum is not None or at.key is not None:
        at.text.append(text)


def _keep_label(at: Cursor, element: str) -> None:
    """Keep the text of yEd's label of a node. It ends where the label ends, or where
    the label's model begins.
    """
    if element == _YED_LABEL and at.items and not at.items[-1].label:
        at.items[-1].label = "".join(at.text).strip()
