"""Expressions of the source that is written, as small trees.

`one_line(expression)` is its text on one line; `statements.py` breaks what is too long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A name, a number, or another text that binds tighter than any operator."""

    text: str


@dataclass(frozen=True)
class Hole:
    """A number in a block's forward pass that may differ between uses of the block.

    `name` is what it is called then.
    """

    name: str
    value: int | float | tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A call: `function(*arguments, **keywords)`."""

    function: str
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True)
class MethodCall:
    """A call of a method: `value.name(*arguments, **keywords)`."""

    value: Expression
    name: str
    arguments: tuple[Expression, ...] = ()
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True)
class Indexed:
    """A part of a value: `value[place]`."""

    value: Expression
    place: str


@dataclass(frozen=True)
class Infix:
    """Operands with one operator between them."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Listing:
    """Items in brackets: a list, or a tuple of two or more."""

    items: tuple[Expression, ...]
    brackets: str = "[]"


Expression = Word | Hole | Call | MethodCall | Indexed | Infix | Listing

_STRENGTH = {">": 0, "<": 0, "+": 1, "-": 1, "*": 2, "/": 2}


def one_line(expression: Expression) -> str:
    """The expression on one line."""
    match expression:
        case Word(text):
            return text
        case Hole(_, value):
            return number_text(value)
        case Call(function, arguments, keywords):
            return f"{function}({', '.join(given_texts(arguments, keywords))})"
        case MethodCall(value, name, arguments, keywords):
            return f"{operand_text(value)}.{name}({', '.join(given_texts(arguments, keywords))})"
        case Indexed(value, place):
            return f"{operand_text(value)}[{place}]"
        case Listing(items, brackets):
            return f"{brackets[0]}{', '.join(map(one_line, items))}{brackets[1]}"
        case Infix(operator, (first, *others)):
            begin = one_line(first) if _binds(first, operator) else operand_text(first)
            return f" {operator} ".join([begin, *map(operand_text, others)])
    raise AssertionError(f"no expression: {expression}")


def given_texts(arguments: tuple[Expression, ...], keywords: tuple[tuple[str, Expression], ...]) -> list[str]:
    """The arguments of a call, each as text."""
    return [*map(one_line, arguments), *(f"{name}={one_line(value)}" for name, value in keywords)]


def operand_text(expression: Expression) -> str:
    """An operand, in parentheses if it has an operator itself."""
    return f"({one_line(expression)})" if isinstance(expression, Infix) else one_line(expression)


def _binds(first: Expression, operator: str) -> bool:
    """Whether the first operand needs no parentheses."""
    return isinstance(first, Infix) and _STRENGTH[first.operator] >= _STRENGTH[operator]


def number_text(value: float | tuple[int, ...] | None) -> str:
    """A constant as Python writes it."""
    return repr(value)


def substituted(
    expression: Expression,
    words: Mapping[str, Expression],
    functions: Mapping[str, str],
    holes: Mapping[str, Expression] | None = None,
) -> Expression:
    """The expression with others in the place of some words, functions and holes."""

    def inside(each: Expression) -> Expression:
        return substituted(each, words, functions, holes)

    def given(keywords: tuple[tuple[str, Expression], ...]) -> tuple[tuple[str, Expression], ...]:
        return tuple((name, inside(value)) for name, value in keywords)

    match expression:
        case Word(text):
            return words.get(text, expression)
        case Hole(name):
            return (holes or {}).get(name, expression)
        case Call(function, arguments, keywords):
            called = functions.get(function, function)
            return Call(called, tuple(map(inside, arguments)), given(keywords))
        case MethodCall(value, name, arguments, keywords):
            return MethodCall(inside(value), name, tuple(map(inside, arguments)), given(keywords))
        case Indexed(value, place):
            return Indexed(inside(value), place)
        case Listing(items, brackets):
            return Listing(tuple(map(inside, items)), brackets)
        case Infix(operator, operands):
            return Infix(operator, tuple(map(inside, operands)))
    raise AssertionError(f"no expression: {expression}")


def holes_of(expression: Expression) -> Iterator[Hole]:
    """The holes of an expression, from left to right."""
    match expression:
        case Hole():
            yield expression
        case Call(_, arguments, keywords) | MethodCall(_, _, arguments, keywords):
            if isinstance(expression, MethodCall):
                yield from holes_of(expression.value)
            for each in (*arguments, *(value for _, value in keywords)):
                yield from holes_of(each)
        case Indexed(value):
            yield from holes_of(value)
        case Listing(items) | Infix(_, items):
            for each in items:
                yield from holes_of(each)
