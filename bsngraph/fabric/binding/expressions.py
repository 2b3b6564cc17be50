"""Parameters in values: `"$channels"`, and arithmetic with them, `"2*$channels"`.

In: a value as written and the parameters' values. Out: the value with every `$name`
replaced. The arithmetic is evaluated on its syntax tree, not by Python's `eval`.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

from bsngraph.ops import Value

MAX_LENGTH = 200
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def references(value: Value) -> list[str]:
    """The parameters a value names."""
    return _REFERENCE.findall(value) if isinstance(value, str) else []


def substitute(value: Value, parameters: Mapping[str, Value]) -> Value:
    """`value` with its `$name` replaced. If it is more than a single `$name`, it is
    arithmetic: + - * / // % and brackets.

    Raises:
        ValueError: the arithmetic cannot be read, or divides by zero.
        KeyError: a name is not that of a parameter.
    """
    if not isinstance(value, str) or not references(value):
        return value
    whole = _REFERENCE.fullmatch(value.strip())
    if whole:
        return parameters[whole.group(1)]
    longest = max(len(value), *(len(str(parameters[name])) for name in references(value)))
    if longest > MAX_LENGTH:
        raise ValueError("must be shorter arithmetic")
    text = _REFERENCE.sub(lambda found: f"({parameters[found.group(1)]})", value)
    if len(text) > MAX_LENGTH:
        raise ValueError("must be shorter arithmetic")
    try:
        result = _evaluate(ast.parse(text.strip(), mode="eval").body)
        return int(result) if float(result).is_integer() else _finite(result)
    except (SyntaxError, RecursionError):
        raise ValueError(f"must be arithmetic on numbers (it reads {text})") from None
    except (ZeroDivisionError, OverflowError):
        raise ValueError(f"must be a finite number (it reads {text})") from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise OverflowError
    return number


def _evaluate(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.operand))
    raise ValueError("must be arithmetic on numbers: + - * / // % and brackets")
