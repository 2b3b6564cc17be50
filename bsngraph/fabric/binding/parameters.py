"""The parameters of a graph, `$name`: what their values are, and which of them anything
uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bsngraph.errors import nearest
from bsngraph.fabric.binding.cures.misplaced import place_of_word
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.binding.expressions import references, substitute
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.words import graphviz_words
from bsngraph.fabric.words.format_words import GRAPH_WORDS, argument_words
from bsngraph.fabric.words.writable_text import cannot_be_written
from bsngraph.ops import Value

MAX_NESTING = 100


@dataclass
class Parameters:
    """Parameter → value, and those that something has used. Cures use the file's own
    `spelling`.
    """

    values: dict[str, Value]
    spelling: Spelling
    used: set[str] = field(default_factory=set)


def read_parameters(
    written: Mapping[str, Value],
    settings: Mapping[str, Value],
    origin: str,
    spelling: Spelling,
    problems: ProblemList,
) -> Parameters:
    """The parameters that a graph gives itself, with `settings` in place of its values.
    Those that are said in terms of others get plain values.
    """
    parameters = Parameters(dict(written), spelling)
    for name, value in settings.items():
        if name not in parameters.values:
            known = f"its parameters are {', '.join(sorted(parameters.values)) or 'none'}"
            cure = nearest(name, parameters.values, otherwise=known)
            problems.report(f"there is no parameter {name!r} to set", origin, cure)
        parameters.values[name] = value
        parameters.used.add(name)
    for name in [name for name, value in parameters.values.items() if references(value)]:
        _resolve(name, (), parameters, problems)
    return parameters


def _resolve(name: str, within: tuple[str, ...], parameters: Parameters, problems: ProblemList) -> None:
    """Give a parameter its plain value, after those that it is said in terms of.
    `within` are the parameters that wait for it.
    """
    values = parameters.values
    if len(within) > MAX_NESTING:
        what = f"more than {MAX_NESTING} parameters, each in terms of the next"
        problems.report(what, f"graph, {name}", "say some of them as plain values")
        values[name] = ""
        return
    for reference in references(values[name]):
        if reference == name or reference in within:
            circle = " -> ".join((*within, name, reference))
            what = f"parameter {reference!r} is said in terms of itself"
            problems.report(what, f"graph, {circle}", "give one of them a plain value")
            values[name] = ""
            return
        if reference in values:
            _resolve(reference, (*within, name), parameters, problems)
    values[name] = plain_value(name, values[name], "graph", parameters, problems)


def plain_value(name: str, value: Value, where: str, parameters: Parameters, problems: ProblemList) -> Value:
    """`value` with its parameters replaced. A problem is reported, and the value is
    then empty.
    """
    if isinstance(value, str) and cannot_be_written(value):
        report_unwritable(name, value, where, problems)
        return ""
    for reference in references(value):
        parameters.used.add(reference)
        if reference not in parameters.values:
            what = f"{name}={value} names a parameter that is not set"
            cure = nearest(
                reference, parameters.values, otherwise=_how_to_set(reference, parameters.spelling)
            )
            problems.report(what, where, cure)
            return ""
    try:
        return substitute(value, parameters.values)
    except ValueError as error:
        problems.report(f"{name}={value} {error}", where, 'arithmetic reads like "2*$channels"')
        return ""


def _how_to_set(name: str, spelling: Spelling) -> str:
    if name in graphviz_words.GRAPH | GRAPH_WORDS:
        return f"{name!r} has a meaning of its own on a graph, so give the parameter another name"
    return f"add {spelling.on_graph(name)}"


def report_unwritable(name: str, value: str, where: str, problems: ProblemList) -> None:
    """Report that a text is one that some format cannot write."""
    found = cannot_be_written(value) or ""
    backslash = "double a backslash before a quote, a new line or the end of the text"
    cure = backslash if "backslash" in found else "remove it"
    problems.report(f"{name}={value!r} holds {found}", where, cure)


def report_unused(parameters: Parameters, problems: ProblemList) -> None:
    """Report the parameters that nothing uses: one may be a misspelt word."""
    for name in sorted(set(parameters.values) - parameters.used):
        use = f'use it as "${name}", or remove it'
        known = (GRAPH_WORDS | graphviz_words.GRAPH) - {name}
        near = use if name in argument_words() else nearest(name, known, otherwise=use)
        cure = place_of_word(name, parameters.values[name], "graph", parameters.spelling) or near
        problems.report(f"parameter {name!r} is never used", "graph", cure)
