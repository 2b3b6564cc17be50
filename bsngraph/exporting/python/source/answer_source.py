"""What a network takes and what it answers → the lines that say so and do so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bsngraph.delivered import Delivered
from bsngraph.exporting.python.source.text.expressions import Expression, Word, one_line
from bsngraph.exporting.python.source.text.python_names import text_literal
from bsngraph.exporting.python.source.text.statements import excused
from bsngraph.exporting.python.source.text.traced import traced
from bsngraph.exporting.raw_network import LOGITS, RawInput, RawNetwork, RawOutput
from bsngraph.tasks import TASKS, LabelFacts

_LONGEST_KEY = 32


class KeyTexts:
    """Names of inputs and outputs as the source writes them: short ones where they
    stand, long ones as constants at the top.
    """

    def __init__(self) -> None:
        self.constants: dict[str, str] = {}

    def text(self, name: str) -> str:
        """How a name is written where it is used."""
        literal = text_literal(name)
        if len(literal) <= _LONGEST_KEY:
            return literal
        return self.constants.setdefault(literal, f"NAME_{len(self.constants) + 1}")

    def lines(self) -> list[str]:
        """The constants."""
        return [excused(f"{constant} = {literal}") for literal, constant in self.constants.items()]


def answer_lines(
    delivered: Delivered, network: RawNetwork, variables: tuple[str, ...], keys: KeyTexts
) -> Iterator[str]:
    """`return {…}`: the outputs by their names."""
    nodes = delivered.net.fabric.node_index
    yield "        return {"
    for output in network.outputs:
        value = _answer(network.task, output.holds, Word(variables[nodes[output.target]]))
        yield f"            {keys.text(output.name)}: {one_line(value)},"
    yield "        }"


def _answer(task: str, holds: str, outputs: Expression) -> Expression:
    """A part of the task's answer, by the task's own function."""
    if holds == LOGITS:
        return outputs
    row = TASKS[task]
    if holds != row.form.prediction:
        assert row.form.probabilities is not None
        return traced(lambda values: row.form.probabilities(values[0]), [outputs])  # type: ignore[misc]
    said = [outputs, Word("self.label_mean"), Word("self.label_std")]
    return traced(
        lambda values: row.predictions(values[0], LabelFacts((), mean=values[1], std=values[2])), said
    )


_KINDS = {"NC": "vectors", "NLC": "sequences", "NCHW": "images"}


def class_docstring(name: str, network: RawNetwork) -> list[str]:
    """What the network takes and gives. Names of files stand in it only if they are
    plain words.
    """
    words = f"{name}: {network.task}" if _plain(name) else network.task.capitalize()
    lines = [f'    """{words}.', "", *(f"    Takes raw {_taken(each)}." for each in network.inputs)]
    if len(network.inputs) > 1:
        lines += ["    They come in a mapping, by the names of the sources."]
    lines += ["    Gives a mapping:"]
    lines += [f"    {_given(output)}" for output in network.outputs]
    return [*lines, '    """']


def _plain(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}", name) is not None


def _taken(given: RawInput) -> str:
    kind = _KINDS.get(given.layout, "values")
    name = f" `{given.name}`" if _plain(given.name) else ""
    values = "" if given.high is None else f", values {given.low:g} to {given.high:g}"
    return f"{kind}{name} {_batch(given.shape)}{values}"


def _given(output: RawOutput) -> str:
    name = output.name if _plain(output.name) else output.holds
    return f"- `{name}` {_batch(output.shape)}"


def _batch(shape: tuple[int, ...]) -> str:
    return f"({', '.join(['batch', *map(str, shape)])}{'' if shape else ','})"
