"""Functions of ours that compute with tensors → expressions.

Merges, activations and the answers of tasks are rows of tables. Their functions are
traced, so that a row needs no second text for the source.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import Graph, Node, Proxy
from torch.fx.proxy import GraphAppendingTracer
from torch.nn import functional

from bsngraph.exporting.python.source.text.expressions import (
    Call,
    Expression,
    Infix,
    Listing,
    MethodCall,
    Word,
    number_text,
)

_OPERATORS: dict[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.gt: ">",
    operator.lt: "<",
    torch.mul: "*",
}
_LEFT_TO_RIGHT = "+*"


def traced(function: Callable[[Sequence[Any]], Any], values: Sequence[Expression]) -> Expression:
    """What `function` does to values, as an expression of them.

    It gets stand-ins of tensors, and must only call functions, methods and operators.

    Raises:
        KeyError: it calls a function that is not torch's.
    """
    graph = Graph()
    tracer = GraphAppendingTracer(graph)
    places = [graph.placeholder(f"value{number}") for number in range(len(values))]
    result: Node = function([Proxy(place, tracer) for place in places]).node
    made: dict[Node, Expression] = dict(zip(places, values, strict=True))
    for node in graph.nodes:
        if node not in made:
            made[node] = _expression(node, made)
    return made[result]


def called(function: Callable[[Any], Any], value: Expression) -> Expression:
    """A function of one tensor, called: one of torch's by its name, another as what it
    does.

    Raises:
        KeyError: it calls a function that is not torch's.
    """
    name = _torch_name(function)
    return Call(name, (value,)) if name else traced(lambda values: function(values[0]), [value])


def _torch_name(function: Callable[..., Any]) -> str:
    """A function as the source calls it; nothing if it is not torch's."""
    name = function.__name__
    for module, word in ((torch, "torch"), (functional, "functional")):
        if getattr(module, name, None) is function:
            return f"{word}.{name}"
    return ""


def _expression(node: Node, made: dict[Node, Expression]) -> Expression:
    def of(argument: Any) -> Expression:
        if isinstance(argument, Node):
            return made[argument]
        if isinstance(argument, list | tuple):
            return Listing(tuple(map(of, argument)), "[]" if isinstance(argument, list) else "()")
        return Word(number_text(argument))

    arguments = tuple(map(of, node.args))
    keywords = tuple((name, of(value)) for name, value in node.kwargs.items())
    if node.op == "call_method":
        return MethodCall(arguments[0], str(node.target), arguments[1:], keywords)
    if node.target in _OPERATORS:
        return _infix(_OPERATORS[node.target], arguments)
    assert callable(node.target), "a traced function calls functions and methods only"
    name = _torch_name(node.target)
    if not name:
        raise KeyError(node.target.__name__)
    return Call(name, arguments, keywords)


def _infix(sign: str, operands: tuple[Expression, ...]) -> Expression:
    """`a + b + c` in place of `(a + b) + c`."""
    first, *others = operands
    if sign in _LEFT_TO_RIGHT and isinstance(first, Infix) and first.operator == sign:
        return Infix(sign, (*first.operands, *others))
    return Infix(sign, operands)
