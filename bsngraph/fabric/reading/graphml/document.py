"""What a GraphML file says, before its keys mean anything."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Key:
    """A <key>: the attribute that data of this id say, and its default."""

    name: str
    scope: str
    kind: str
    line: int
    yed: bool
    default: str = ""


@dataclass(frozen=True, slots=True)
class Datum:
    """A <data>: the id of its key, its text, and the line where it ends."""

    key: str
    text: str
    line: int


@dataclass(slots=True)
class Item:
    """A <graph>, <node> or <edge> with its data; `label` is the one that yEd draws."""

    id: str
    line: int
    source: str = ""
    target: str = ""
    data: list[Datum] = field(default_factory=list)
    label: str = ""
    group: bool = False


@dataclass
class Document:
    """The keys, nodes and edges of a file; `graph` is its only graph."""

    origin: str
    keys: dict[str, Key] = field(default_factory=dict)
    graph: Item | None = None
    nodes: dict[str, Item] = field(default_factory=dict)
    edges: list[Item] = field(default_factory=list)
