"""Whether values are of the types that the fields of a class say, and these types in
words.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from bsngraph.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LONGEST_SHOWN = 60
_WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    types.NoneType: "None",
}
_SEVERAL = {float: "numbers", int: "whole numbers", str: "texts"}


class KindProblem(NamedTuple):
    """A field, what stands there, and what must."""

    field: str
    found: str
    wanted: str


def check_kinds(noun: DataclassInstance) -> None:
    """Refuse a noun whose fields are not of their types, with every reason.

    Raises:
        InputError: `seed='0' must be a whole number; …`.
    """
    problems = [f"{one.field}={one.found} must be {one.wanted}" for one in kind_problems(noun)]
    if problems:
        raise InputError("; ".join(problems))


def kind_problems(noun: DataclassInstance) -> Iterator[KindProblem]:
    """The fields that are not of their types."""
    for name, kind in _kinds(type(noun)).items():
        value = getattr(noun, name)
        if not is_of_kind(value, kind):
            yield KindProblem(name, _shown(value), kind_in_words(kind))


def is_of_kind(value: object, kind: Any) -> bool:
    """Whether a value is of a type; whole numbers are numbers, Booleans are neither."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return any(is_of_kind(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is tuple:
        return isinstance(value, tuple) and all(is_of_kind(one, inner[0]) for one in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def kind_in_words(kind: Any) -> str:
    """A type as errors name it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(kind_in_words, inner))
    if origin is Literal:
        return inner[0] if len(inner) == 1 else f"one of {', '.join(inner)}"
    if origin is tuple:
        return f"a tuple of {_SEVERAL.get(inner[0]) or kind_in_words(inner[0])}"
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return _WORDS.get(kind) or f"{article} {kind.__name__}"


@functools.cache
def _kinds(noun: type[DataclassInstance]) -> Mapping[str, Any]:
    hints = typing.get_type_hints(noun)
    return {one.name: hints[one.name] for one in fields(noun)}


def _shown(value: object) -> str:
    """A short value as Python writes it, another by its type."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN and "\n" not in text else f"a {type(value).__name__}"
