"""Where the XML parser is in a GraphML file."""

from __future__ import annotations

from xml.parsers import expat

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading import bounds
from bsngraph.fabric.reading.graphml.document import Document, Item, Key


class Cursor:
    """The elements that are open, and the text collected in the innermost of them.

    `open` are the names of all open elements, `items` those of them that are a graph, a
    node or an edge, and `key` the <key> that is open. `datum` is the key of the <data>
    that is open. It is empty in an element whose text is not wanted, and None outside
    of both. `inside_datum` counts the elements open in it.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.meter = bounds.SizeMeter(document.origin, bounds.MAX_WORDS)
        self.open: list[str] = []
        self.items: list[Item] = []
        self.key: Key | None = None
        self.datum: str | None = None
        self.inside_datum = 0
        self.text: list[str] = []
        # The encoding is given. Otherwise a file could name any codec of Python's, and
        # it would be imported.
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.buffer_text = True

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def fail(self, what: str, cure: str) -> FabricError:
        """An error at the place where the parser is."""
        where = f"line {self.line}, column {self.parser.CurrentColumnNumber + 1}"
        return FabricError(self.document.origin, [Problem(what, where, cure)])

    def skip(self) -> None:
        """Pass over the element that opens here, with everything in it."""
        self.collect("")

    def collect(self, datum: str) -> None:
        """Begin to collect the text of a <data>."""
        self.datum, self.inside_datum, self.text = datum, 0, []
