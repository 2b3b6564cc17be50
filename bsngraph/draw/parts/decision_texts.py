"""What there is to decide about a fabric in words: choices, gates, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from bsngraph.fabric.model import Edge, Fabric
from bsngraph.wording import quantity, shortened

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MOST_NAMED = 12


def decision_lines(fabric: Fabric, most: int) -> list[str]:
    """A line for each choice, `choice p, one decision of three: a->b#0, a->b#1 or gate
    g`, and for each gate; at most `most`, and one that counts the others.
    """
    decisions = fabric.decisions
    gates = [variable for variable, edges in enumerate(decisions.edges_of) if fabric.edges[edges[0]].gate]
    count = len(decisions.choices) + len(gates)
    lines = [_choice_line(fabric, options) for options in islice(decisions.choices, most)]
    lines += [_gate_line(fabric, decisions.edges_of[gate]) for gate in gates[: most - len(lines)]]
    return lines if count <= most else [*lines, f"… and {count - most} more choices and gates"]


def edge_decision(edge: Edge) -> str:
    """What decides about an edge: `fixed`, `choice p`, `gate g, choice p`; its start in
    Γ too, `probability 0.5`, if the file gives one.
    """
    if edge.fixed:
        return "fixed"
    parts = [f"gate {shortened(edge.gate)}"] if edge.gate is not None else []
    parts += [f"choice {shortened(edge.choice)}"] if edge.choice is not None else []
    parts += [f"probability {quantity(edge.probability)}"] if edge.probability is not None else []
    return ", ".join(parts)


def _choice_line(fabric: Fabric, options: Sequence[int]) -> str:
    edges_of = fabric.decisions.edges_of
    first = fabric.edges[edges_of[options[0]][0]]
    count = _NUMBERS[len(options)] if len(options) < len(_NUMBERS) else str(len(options))
    names = [_option(fabric, edges_of[option]) for option in options[:_MOST_NAMED]]
    if len(options) > _MOST_NAMED:
        told = f"{', '.join(names)} or {len(options) - _MOST_NAMED} others"
    else:
        told = f"{', '.join(names[:-1])} or {names[-1]}"
    return f"choice {shortened(first.choice or '')}, one decision of {count}: {told}"


def _option(fabric: Fabric, edges: Sequence[int]) -> str:
    first = fabric.edges[edges[0]]
    return shortened(first.name) if first.gate is None else f"gate {shortened(first.gate)}"


def _gate_line(fabric: Fabric, edges: Sequence[int]) -> str:
    names = [shortened(fabric.edges[edge].name) for edge in edges[:_MOST_NAMED]]
    more = f" and {len(edges) - _MOST_NAMED} others" if len(edges) > _MOST_NAMED else ""
    gate = shortened(fabric.edges[edges[0]].gate or "")
    return f"gate {gate}, kept or dropped together: {', '.join(names)}{more}"
