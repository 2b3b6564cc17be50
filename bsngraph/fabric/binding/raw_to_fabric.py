"""RawGraph → Fabric: every word is given its meaning, and everything that is wrong is
found.

In: a graph as written, parameters from outside (`--set`). Out: a `Draft`: the Fabric as
far as it could be made, the edges that could not be, and all problems, each with its
place and cure. A later pass (shapes) can add its own problems before they are raised
together.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bsngraph.errors import FabricError, Problem, nearest
from bsngraph.fabric.binding import graphviz_words
from bsngraph.fabric.binding.draft import Draft
from bsngraph.fabric.binding.expressions import references, substitute
from bsngraph.fabric.binding.structure import (
    group_problems,
    name_problems,
    natural_key,
    slot_problems,
    topological_order,
)
from bsngraph.fabric.binding.words import (
    COMPUTED_COSTS,
    COMPUTED_PREFIX,
    COST_PREFIX,
    FORMAT,
    GRAPH_WORDS,
    NODE_WORDS,
    STYLE,
    edge_style_words,
    node_style_words,
)
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.reading.raw import RawEdge, RawGraph, RawNode, cannot_be_written, place, split_names
from bsngraph.ops import EDGE_WORDS, OPERATIONS, Operation, Shape, Value
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES
from bsngraph.ops.signature import to_type

MAX_SIZE = 65_536
MAX_DIMENSIONS = 8
MAX_INPUT = 2**31
MAX_PROBLEMS = 1000
MAX_NESTING = 100

_NAME = re.compile(r"[^\W\d]\w*")


def raw_to_fabric(raw: RawGraph, settings: Mapping[str, Value] | None = None) -> Draft:
    """Give a raw graph its meaning. `settings` override the graph's parameters."""
    return _Binder(raw, dict(settings or {})).bind()


@dataclass
class _Binder:
    raw: RawGraph
    settings: dict[str, Value]
    problems: list[Problem] = field(default_factory=list)
    parameters: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    node_style: frozenset[str] = field(default_factory=lambda: node_style_words())
    edge_style: frozenset[str] = field(default_factory=lambda: edge_style_words())

    def report(self, what: str, where: str, cure: str) -> None:
        self.problems.append(Problem(what, where, cure))
        # looking for the cure of each takes time, and nobody reads as many
        if len(self.problems) >= MAX_PROBLEMS:
            raise FabricError(self.raw.origin, self.problems)

    def bind(self) -> Draft:
        sources, targets, style = self._graph()
        self._check_defaults()
        nodes = {raw.name: self._node(raw, raw.name in sources) for raw in self.raw.nodes}
        bound = [self._edge(raw) for raw in self.raw.edges]
        self._unused_parameters()
        edges = [edge for edge, _ in bound]
        names = name_problems(nodes, edges)
        self.problems += [*names, *group_problems(edges), *slot_problems(nodes, edges)]
        order, problems = topological_order(self.raw, nodes, sources, targets)
        self.problems += problems
        if order is None or names or not (sources and targets):
            return Draft(self.raw.origin, None, frozenset(), tuple(self.problems))
        index = {name: position for position, name in enumerate(order)}
        bound.sort(key=lambda pair: (index[pair[0].source], index[pair[0].target], natural_key(pair[0].key)))
        fabric = Fabric(
            name=self.raw.name,
            nodes=tuple(nodes[name] for name in order),
            edges=tuple(edge for edge, _ in bound),
            sources=tuple(sources),
            targets=tuple(targets),
            style=style,
        )
        broken = frozenset(position for position, (_, sound) in enumerate(bound) if not sound)
        return Draft(self.raw.origin, fabric, broken, tuple(self.problems))

    # --- the graph's own attributes

    def _graph(self) -> tuple[list[str], list[str], dict[str, str]]:
        style: dict[str, str] = {}
        for name, value in self.raw.attributes.items():
            if name in GRAPH_WORDS or value is None or value == "":
                continue
            if name in graphviz_words.GRAPH:
                style[name] = str(value)
            else:
                self.parameters[name] = value
        for name, text in {"name": self.raw.name, **style}.items():
            if cannot_be_written(text):
                self._unwritable(name, text, "graph")
        for name, value in self.settings.items():
            if name not in self.parameters:
                cure = nearest(
                    name,
                    self.parameters,
                    otherwise=f"its parameters are {', '.join(sorted(self.parameters)) or 'none'}",
                )
                self.report(f"there is no parameter {name!r} to set", self.raw.origin, cure)
            self.parameters[name] = value
            self.used.add(name)
        for name in [name for name, value in self.parameters.items() if references(value)]:
            self._resolve(name, ())
        version = self.raw.attributes.get("format", FORMAT)
        if version not in (None, "") and str(version) != str(FORMAT):
            self.report(f"format={version} is not known", "graph", f"this version reads format={FORMAT}")
        return self._terminals("source"), self._terminals("target"), style

    def _resolve(self, name: str, within: tuple[str, ...]) -> None:
        """Give a parameter that is said in terms of others its value, theirs first."""
        if len(within) > MAX_NESTING:
            cure = "say some of them as plain values"
            self.report(
                f"more than {MAX_NESTING} parameters, each in terms of the next", f"graph, {name}", cure
            )
            self.parameters[name] = ""
            return
        for reference in references(self.parameters[name]):
            if reference == name or reference in within:
                circle = " -> ".join((*within, name, reference))
                self.report(
                    f"parameter {reference!r} is said in terms of itself",
                    f"graph, {circle}",
                    "give one of them a plain value",
                )
                self.parameters[name] = ""
                return
            if reference in self.parameters:
                self._resolve(reference, (*within, name))
        self.parameters[name] = self._value(name, self.parameters[name], "graph")

    def _terminals(self, word: str) -> list[str]:
        text = str(self.raw.attributes.get(word) or "")
        known = {node.name for node in self.raw.nodes}
        names = split_names(text, known)
        if not names:
            self.report(f"the graph names no {word}", "graph", f"add `graph [{word}=NODE]`")
        for name in names:
            if name not in known:
                self.report(f"{word} {name!r} is not a node", "graph", nearest(name, known))
        return [name for name in dict.fromkeys(names) if name in known]

    def _check_defaults(self) -> None:
        arguments = {argument for operation in OPERATIONS.values() for argument in operation.arguments}
        known = {
            "node": NODE_WORDS | graphviz_words.NODE,
            "edge": EDGE_WORDS | graphviz_words.EDGE | arguments,
        }
        for default in dict.fromkeys(self.raw.defaults):
            free = default.kind == "edge" and default.name.startswith((COST_PREFIX, COMPUTED_PREFIX))
            if default.name not in known[default.kind] and not free:
                takes = "no operation takes" if default.kind == "edge" else "no node takes"
                where = place(f"{default.kind} [...]", default.line)
                self.report(
                    f"default {default.name!r} is something that {takes}",
                    where,
                    nearest(default.name, known[default.kind] - STYLE),
                )

    def _unused_parameters(self) -> None:
        for name in sorted(set(self.parameters) - self.used):
            known = (GRAPH_WORDS | graphviz_words.GRAPH) - {name}
            self.report(
                f"parameter {name!r} is never used",
                "graph",
                nearest(name, known, otherwise=f'use it as "${name}", or remove it'),
            )

    # --- values

    def _value(self, name: str, value: Value, where: str) -> Value:
        """`value` with parameters replaced; a problem is reported and gives an empty
        value.
        """
        if isinstance(value, str) and cannot_be_written(value):
            self._unwritable(name, value, where)
            return ""
        for reference in references(value):
            self.used.add(reference)
            if reference not in self.parameters:
                hint = f"add `graph [{reference}=...]`"
                if reference in graphviz_words.GRAPH | GRAPH_WORDS:
                    hint = (
                        f"{reference!r} has a meaning of its own on a graph, so give the parameter "
                        "another name"
                    )
                self.report(
                    f"{name}={value} names a parameter that is not set",
                    where,
                    nearest(reference, self.parameters, otherwise=hint),
                )
                return ""
        try:
            return substitute(value, self.parameters)
        except ValueError as error:
            self.report(f"{name}={value} {error}", where, 'arithmetic reads like "2*$channels"')
            return ""

    def _unwritable(self, name: str, value: str, where: str) -> None:
        found = cannot_be_written(value) or ""
        backslash = "double a backslash before a quote, a new line or the end of the text"
        self.report(
            f"{name}={value!r} holds {found}", where, backslash if "backslash" in found else "remove it"
        )

    def _merged(self, raw: RawNode | RawEdge, where: str) -> dict[str, tuple[Value, bool]]:
        """Name → (value, written here), without the unset ones."""
        merged: dict[str, tuple[Value, bool]] = {
            name: (value, False) for name, value in raw.inherited.items()
        }
        merged |= {name: (value, True) for name, value in raw.own.items()}
        foreign = self.node_style if isinstance(raw, RawNode) else self.edge_style
        values = {
            name: (value if name in foreign and _writable(value) else self._value(name, value, where), own)
            for name, (value, own) in merged.items()
            if value is not None
        }
        return {name: (value, own) for name, (value, own) in values.items() if value != ""}

    def _typed(
        self, name: str, value: Value, kind: type, where: str, *, low: float = 0.0, high: float = float("inf")
    ) -> Value | None:
        try:
            typed = to_type(value, kind)
            if not isinstance(typed, str) and not low <= typed <= high:
                raise ValueError(f"must lie between {low:g} and {high:g}")
        except ValueError as error:
            self.report(f"{name}={value} {error}", where, f"give {name} a value that fits, or leave it out")
            return None
        return typed

    def _choice(self, name: str, value: Value, choices: tuple[str, ...], where: str) -> str:
        if value in choices:
            return str(value)
        self.report(f"{name}={value} is not known", where, nearest(str(value), choices))
        return choices[0]

    # --- nodes and edges

    def _node(self, raw: RawNode, is_source: bool) -> Node:
        where = place(f"node {raw.name}", raw.line)
        values = self._merged(raw, where)
        style: dict[str, str] = {}
        for name, (value, own) in values.items():
            if name in graphviz_words.NODE:
                style[name] = str(value)
            elif name not in NODE_WORDS and own:
                self.report(f"a node has no attribute {name!r}", where, nearest(name, NODE_WORDS))
        # Nothing is merged at a source, and a default meant for the others must not
        # change what comes in.
        given = {
            name: value
            for name, (value, own) in values.items()
            if own or not (is_source and name in ("merge", "activation"))
        }
        concat = (
            self._typed("concat_channels", given["concat_channels"], int, where, low=1, high=1e9)
            if "concat_channels" in given
            else None
        )
        return Node(
            name=raw.name,
            merge=self._choice("merge", given.get("merge", "sum"), tuple(MERGES), where),
            activation=self._choice("activation", given.get("activation", "none"), tuple(ACTIVATIONS), where),
            input=self._shape(given["input"], where) if "input" in given else None,
            concat_channels=int(concat) if concat is not None else None,
            style=style,
            tensor=_information_shape(given.get("tensor")),
        )

    def _shape(self, value: Value, where: str) -> Shape | None:
        parts = (
            [str(size) for size in value]
            if isinstance(value, tuple | list)
            else str(value).lower().split("x")
        )
        sizes = [int(part) if part.strip().isdecimal() else 0 for part in parts]
        if all(0 < size <= MAX_SIZE for size in sizes) and len(sizes) <= MAX_DIMENSIONS:
            if math.prod(sizes) <= MAX_INPUT:
                return tuple(sizes)
            self.report(
                f"input={value} has {math.prod(sizes):,} values",
                where,
                f"one example has at most {MAX_INPUT:,}",
            )
            return None
        self.report(
            f"input={value} is not a shape",
            where,
            'write the sizes of one example, channels first: input="3x32x32"',
        )
        return None

    def _edge(self, raw: RawEdge) -> tuple[Edge, bool]:
        """The edge, and whether its operation could be read."""
        where = place(f"edge {raw.name}", raw.line)
        before = len(self.problems)
        values = self._merged(raw, where)
        values.pop("key", None)
        operation = self._operation(values.pop("op", None), where)
        sorted_values = _Sorted()
        for name, (value, own) in values.items():
            self._sort(name, value, own, operation, where, sorted_values)
        if operation is not None:
            for argument in operation.arguments.values():
                if (
                    argument.required
                    and argument.name not in sorted_values.arguments
                    and len(self.problems) == before
                ):
                    self.report(f"{operation.name} needs {argument.name}", where, f"add {argument.name}=...")
        sound = operation is not None and len(self.problems) == before
        words = sorted_values.words
        fixed = "fixed" in words and self._typed("fixed", words["fixed"], bool, where) is True
        probability = (
            self._typed("probability", words["probability"], float, where, high=1.0)
            if "probability" in words
            else None
        )
        for word in ("probability", "gate", "choice"):
            if fixed and raw.own.get(word) not in (None, ""):
                self.report(
                    f"a fixed edge has no {word}", where, f"it is always kept: remove {word}, or fixed=true"
                )
        offset = (
            self._typed("concat_offset", words["concat_offset"], int, where)
            if "concat_offset" in words
            else None
        )
        edge = Edge(
            source=raw.source,
            target=raw.target,
            key=raw.key,
            op=operation.name if operation else "",
            arguments=dict(sorted(sorted_values.arguments.items())),
            fixed=fixed,
            probability=None if fixed or probability is None else float(probability),
            gate=None if fixed or "gate" not in words else str(words["gate"]),
            choice=None if fixed or "choice" not in words else str(words["choice"]),
            costs=dict(sorted(sorted_values.costs.items())),
            concat_offset=int(offset) if offset is not None else None,
            style=sorted_values.style,
            computed=sorted_values.computed,
        )
        return edge, sound

    def _operation(self, given: tuple[Value, bool] | None, where: str) -> Operation | None:
        if given is None:
            self.report("the edge has no operation", where, "add op=..., or a default `edge [op=...]`")
            return None
        name = str(given[0])
        if name not in OPERATIONS:
            self.report(
                f"unknown operation {name!r}",
                where,
                nearest(name, OPERATIONS, otherwise="`bsngraph check --ops` lists all"),
            )
        return OPERATIONS.get(name)

    def _sort(
        self, name: str, value: Value, own: bool, operation: Operation | None, where: str, into: _Sorted
    ) -> None:
        """Put one attribute of an edge where it belongs."""
        if operation is not None and name in operation.arguments:
            try:
                into.arguments[name] = operation.arguments[name].convert(value)
            except ValueError as error:
                self.report(
                    f"{name}={value} {error}", where, f"{operation.name} takes {operation.arguments[name]}"
                )
        elif name in EDGE_WORDS:
            into.words[name] = value
        elif name.startswith(COST_PREFIX) and len(name) > len(COST_PREFIX):
            cost = self._typed(name, value, float, where)
            if not _NAME.fullmatch(name):
                self.report(
                    f"{name!r} cannot name a cost", where, "a cost's name is made of letters, digits and _"
                )
            elif name.removeprefix(COST_PREFIX) in COMPUTED_COSTS:
                self.report(
                    f"{name} annotates a cost that is computed",
                    where,
                    "give the annotation another name, or remove it",
                )
            elif cost is not None:
                into.costs[name.removeprefix(COST_PREFIX)] = float(cost)
        elif name.startswith(COMPUTED_PREFIX) and _NAME.fullmatch(name):
            with contextlib.suppress(ValueError):  # information only, so what is no number says nothing
                into.computed[name.removeprefix(COMPUTED_PREFIX)] = float(value)
        elif name in graphviz_words.EDGE:
            into.style[name] = str(value)
        elif own and operation is not None:
            known = set(operation.arguments) | EDGE_WORDS
            takes = f"it takes {', '.join(operation.arguments) or 'no arguments'}"
            self.report(
                f"{operation.name} takes no argument {name!r}", where, nearest(name, known, otherwise=takes)
            )


@dataclass
class _Sorted:
    """An edge's attributes by what they are."""

    words: dict[str, Value] = field(default_factory=dict)
    arguments: dict[str, Value] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    computed: dict[str, float] = field(default_factory=dict)
    style: dict[str, str] = field(default_factory=dict)


def _writable(value: Value) -> bool:
    return not isinstance(value, str) or cannot_be_written(value) is None


def _information_shape(value: Value | None) -> Shape | None:
    parts = str(value).split("x") if value is not None else []
    return tuple(map(int, parts)) if parts and all(part.isdecimal() for part in parts) else None
