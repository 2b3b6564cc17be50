"""Statements laid out as formatters leave them: what is too long is broken where a
person would break it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bsngraph.exporting.python.source.text.expressions import (
    Call,
    Expression,
    Indexed,
    Infix,
    Listing,
    MethodCall,
    Word,
    one_line,
    operand_text,
)

LINE = 88
_STEP = "    "


def assignment_lines(name: str, value: Expression, indent: int, comment: str = "") -> list[str]:
    """`name = value  # comment`, in as many lines as it takes.

    A comment that does not fit behind the value stands before it.
    """
    margin = " " * indent
    whole = f"{margin}{name} = {one_line(value)}"
    if len(whole) <= LINE:
        return _with_comment([whole], comment, margin)
    steps = _steps(name, value, indent)
    return _with_comment(steps, comment, margin)


def returned(value: Expression, indent: int) -> list[str]:
    """`return value`, by way of a variable if it is too long."""
    line = f"{' ' * indent}return {one_line(value)}"
    if len(line) <= LINE:
        return [line]
    return [*assignment_lines("result", value, indent), f"{' ' * indent}return result"]


def call_lines(head: str, arguments: Sequence[str], indent: int, tail: str = "") -> list[str]:
    """`head(arguments)tail`; one argument a line if that is too long."""
    whole = f"{' ' * indent}{head}({', '.join(arguments)}){tail}"
    if len(whole) <= LINE:
        return [whole]
    *lines, last = _in_brackets(f"{head}(", [f"{each}," for each in arguments], indent)
    return [*lines, last + tail]


def tuple_lines(name: str, items: Iterable[str]) -> list[str]:
    """`NAME = (items)`: a tuple at the top of a module."""
    texts = list(items)
    whole = f"{name} = ({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    if len(whole) <= LINE:
        return [whole]
    return [f"{name} = (", *(excused(f"{_STEP}{each},") for each in texts), ")"]


def excused(line: str) -> str:
    """A line of a single text; linters are told where that is too long for a line."""
    return line if len(line) <= LINE else f"{line}  # noqa: E501"


def _with_comment(lines: list[str], comment: str, margin: str) -> list[str]:
    if not comment:
        return lines
    behind = f"{lines[-1]}  # {comment}"
    return [*lines[:-1], behind] if len(behind) <= LINE else [f"{margin}# {comment}", *lines]


def _steps(name: str, value: Expression, indent: int) -> list[str]:
    """A value that is too long for a line, made in steps or broken.

    `name` must not stand in the value.
    """
    this = Word(name)
    core = _core(value)
    if core is not value:
        rest = _with_core(value, this)
        return [*assignment_lines(name, core, indent), *assignment_lines(name, rest, indent)]
    match value:
        case Infix(operator, (first, second)) if first != this:
            made = Infix(operator, (this, second))
            return [*assignment_lines(name, first, indent), *assignment_lines(name, made, indent)]
        case Infix(operator, operands):
            head, *others = map(operand_text, operands)
            lines = [one_line(value)]
            if indent + len(_STEP) + len(lines[0]) > LINE:
                lines = [head, *(f"{operator} {each}" for each in others)]
            return _in_brackets(f"{name} = (", lines, indent)
        case Call(function, arguments, keywords):
            lines = [line for each in arguments for line in _argument_lines(each)]
            lines += [f"{word}={one_line(each)}," for word, each in keywords]
            return _in_brackets(f"{name} = {function}(", lines, indent)
    raise AssertionError(f"cannot be broken: {one_line(value)}")


def _inner(value: Expression) -> Expression | None:
    """What a value is made of, if that is one thing that can be made before it."""
    match value:
        case Call(_, (first, *_)) | MethodCall(first) | Indexed(first) | Infix("/", (first, Word())):
            return None if isinstance(first, Word | Listing) else first
    return None


def _core(value: Expression) -> Expression:
    """The innermost of what a value is made of."""
    inner = _inner(value)
    return value if inner is None else _core(inner)


def _with_core(value: Expression, core: Expression) -> Expression:
    """The value with another thing in that place."""
    inner = _inner(value)
    if inner is None:
        return core
    made = _with_core(inner, core)
    match value:
        case Call(function, (_, *others), keywords):
            return Call(function, (made, *others), keywords)
        case MethodCall(_, method, arguments, keywords):
            return MethodCall(made, method, arguments, keywords)
        case Indexed(_, place):
            return Indexed(made, place)
        case Infix(operator, (_, second)):
            return Infix(operator, (made, second))
    raise AssertionError(f"nothing is inside: {one_line(value)}")


def _in_brackets(head: str, lines: Sequence[str], indent: int) -> list[str]:
    margin = " " * indent
    return [margin + head, *(f"{margin}{_STEP}{line}" for line in lines), f"{margin})"]


def _argument_lines(argument: Expression) -> list[str]:
    if isinstance(argument, Listing):
        return ["[", *(f"{_STEP}{one_line(item)}," for item in argument.items), "],"]
    return [f"{one_line(argument)},"]
