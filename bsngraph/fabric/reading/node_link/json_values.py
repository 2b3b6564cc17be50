"""Values of JSON → the types that a node-link graph has in their place.

A value of another type is reported, with a place such as `edges[3].kernel`, and an
empty one is taken instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bsngraph.fabric.reading.node_link.json_text import EXAMPLE, Twice
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.ops import Value


def mapping_of(value: Any, where: str, problems: ProblemList) -> Mapping[str, Any]:
    """An object."""
    if isinstance(value, Twice):
        problems.report(f"{value.name!r} stands here twice", where, "remove one of them")
    if isinstance(value, dict):
        return value
    problems.report(f"is {_spoken(value)} and must be an object", where, EXAMPLE)
    return {}


def mappings_of(value: Any, where: str, problems: ProblemList) -> list[tuple[str, Mapping[str, Any]]]:
    """A list of objects, each with its place."""
    if not isinstance(value, list):
        problems.report(f"is {_spoken(value)} and must be a list", where, EXAMPLE)
        return []
    places = [f"{where}[{index}]" for index in range(len(value))]
    return [(place, mapping_of(item, place, problems)) for place, item in zip(places, value, strict=True)]


def name_of(item: Mapping[str, Any], field: str, where: str, problems: ProblemList) -> str:
    """A name: text or a whole number."""
    value = item.get(field)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    there = f"{field} is {_spoken(value)} and must be text"
    problems.report(there if field in item else f"there is no {field}", where, f"give it {field}")
    return ""


def attributes_of(
    item: Mapping[str, Any], fields: tuple[str, ...], where: str, problems: ProblemList
) -> dict[str, Value]:
    """The attributes of an object, without the format's own `fields`; null is unset."""
    values: dict[str, Value] = {}
    for name, value in item.items():
        if name in fields or value is None:
            continue
        plain = name.removeprefix("@") if name.startswith("@") and name[1:] in fields else name
        if name == "input" and isinstance(value, list) and all(type(size) is int for size in value):
            value = "x".join(map(str, value))
        if isinstance(value, list | dict):
            what = f"is {_spoken(value)} and must be a number or text"
            problems.report(what, f"{where}.{name}", "attributes are plain values")
        elif isinstance(value, float) and not math.isfinite(value):
            problems.report("must be a finite number", f"{where}.{name}", "write a number, or remove it")
        else:
            values[plain] = value
    return values


def _spoken(value: object) -> str:
    """What a value is, in the words of JSON."""
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), "null")
