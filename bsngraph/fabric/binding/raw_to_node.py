"""RawNode → Node."""

from __future__ import annotations

import math

from bsngraph.errors import nearest
from bsngraph.fabric.binding.cures.misplaced import place_of_word
from bsngraph.fabric.binding.written_values import ItemContext, one_of, typed, written_values
from bsngraph.fabric.model import Node
from bsngraph.fabric.reading.raw import RawNode, place
from bsngraph.fabric.words import graphviz_words
from bsngraph.fabric.words.format_words import NODE_WORDS
from bsngraph.ops import Shape, Value
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES

MAX_SIZE = 65_536
MAX_DIMENSIONS = 8
MAX_INPUT = 2**31
_LONGEST = 20  # digits of a size that is read at all


def raw_to_node(raw: RawNode, *, is_source: bool, context: ItemContext) -> Node:
    """Give a node's words their meaning."""
    where, problems = place(f"node {raw.name}", raw.line), context.problems
    values = written_values(raw, where, context)
    style: dict[str, str] = {}
    for name, (value, own) in values.items():
        if name in graphviz_words.NODE:
            style[name] = str(value)
        elif name not in NODE_WORDS and own:
            cure = place_of_word(name, value, "node", context.spelling) or nearest(name, NODE_WORDS)
            problems.report(f"a node has no attribute {name!r}", where, cure)
    # Nothing is merged at a source, and a default that is meant for other nodes must
    # not change what comes in.
    given = {
        name: value
        for name, (value, own) in values.items()
        if own or not (is_source and name in ("merge", "activation"))
    }
    concat = None
    if "concat_channels" in given:
        concat = typed("concat_channels", given["concat_channels"], int, where, problems, low=1, high=1e9)
    return Node(
        name=raw.name,
        merge=one_of("merge", given.get("merge", "sum"), MERGES, where, problems),
        activation=one_of("activation", given.get("activation", "none"), ACTIVATIONS, where, problems),
        input=_input_shape(given["input"], where, context) if "input" in given else None,
        concat_channels=int(concat) if concat is not None else None,
        style=style,
        tensor=_information_shape(given.get("tensor")),
    )


def _input_shape(value: Value, where: str, context: ItemContext) -> Shape | None:
    """The sizes in `3x32x32`, or in a tuple of Python's."""
    parts = (
        [str(size) for size in value] if isinstance(value, tuple | list) else str(value).lower().split("x")
    )
    sizes = [int(part) if part.strip().isdecimal() and len(part) < _LONGEST else 0 for part in parts]
    if not all(0 < size <= MAX_SIZE for size in sizes) or len(sizes) > MAX_DIMENSIONS:
        example = context.spelling.on_item("input", "3x32x32")
        cure = f"write the sizes of one example, channels first: {example}"
        context.problems.report(f"input={value} is not a shape", where, cure)
        return None
    if math.prod(sizes) > MAX_INPUT:
        what = f"input={value} has {math.prod(sizes):,} values"
        context.problems.report(what, where, f"one example has at most {MAX_INPUT:,}")
        return None
    return tuple(sizes)


def _information_shape(value: Value | None) -> Shape | None:
    """A shape that is only drawn: text that is not one says nothing."""
    parts = str(value).split("x") if value is not None else []
    return (
        tuple(map(int, parts))
        if parts and all(part.isdecimal() and len(part) < _LONGEST for part in parts)
        else None
    )
