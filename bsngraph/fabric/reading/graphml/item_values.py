"""The data of a graph, node or edge → its attributes, by what its keys say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bsngraph.errors import nearest
from bsngraph.fabric.reading.graphml.document import Item, Key
from bsngraph.fabric.reading.graphml.other_programs import OtherProgram
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.ops import Value


@dataclass(frozen=True)
class ItemValues:
    """An item's own attributes, those that another program may have meant for itself,
    and the label that a person reads on it.
    """

    own: dict[str, Value]
    foreign: dict[str, Value]
    label: str


def item_values(
    item: Item, keys: Mapping[str, Key], program: OtherProgram, problems: ProblemList
) -> ItemValues:
    """Give an item's data their names and types."""
    own: dict[str, Value] = {}
    foreign: dict[str, Value] = {}
    label = item.label
    for datum in item.data:
        key = keys.get(datum.key)
        where = f"line {datum.line}"
        if key is None:
            what = f"data of a key {datum.key!r} that is not declared"
            problems.report(what, where, nearest(datum.key, keys))
        elif key.yed or (key.name in program.words and key.name not in program.arguments):
            if key.name in ("label", "Label"):
                label = label or datum.text.strip()
        elif key.name in program.words:
            foreign[key.name] = value_of(key, datum.text)
        elif key.name in own:
            problems.report(f"the attribute {key.name!r} stands here twice", where, "remove one of them")
        else:
            own[key.name] = value_of(key, datum.text)
    return ItemValues(own, foreign, label)


def default_keys(keys: Mapping[str, Key], program: OtherProgram, *scopes: str) -> Iterator[Key]:
    """The keys of these scopes that have a default meant for us, in file order."""
    for key in keys.values():
        if key.scope in scopes and key.default and not key.yed and key.name not in program.words:
            yield key


def default_values(keys: Mapping[str, Key], program: OtherProgram, scope: str) -> dict[str, Value]:
    """The defaults of a scope, by attribute."""
    return {key.name: value_of(key, key.default) for key in default_keys(keys, program, scope)}


def value_of(key: Key, text: str) -> Value:
    """Text as the key's type. Text that is not a number stays text; whoever needs a
    number will report it.
    """
    if key.kind not in ("float", "double"):
        return text if key.kind == "string" else text.strip()
    try:
        return float(text)
    except ValueError:
        return text.strip()
