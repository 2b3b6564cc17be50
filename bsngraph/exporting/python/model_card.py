"""README.md of an export: a model card in Markdown.

Names come from files and from strangers, so they stand in code spans, on one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.raw_network import RawInput, RawOutput
from bsngraph.tasks import TASKS
from bsngraph.wording import printable, quantity, shape_text, shortened

_MOST_CLASSES = 50
_DIMENSIONS = {
    "NC": "vectors: (batch, features)",
    "NLC": "sequences: (batch, length, features)",
    "NCHW": "images: (batch, channels, height, width)",
}


def model_card(
    package: ExportPackage, use: Sequence[str], files: Sequence[str], *, needs: str = "torch and safetensors"
) -> str:
    """The text of README.md. `use` is Python code that loads and runs the network,
    `files` what is in the folder, a line each, `needs` the packages that it takes.
    """
    lines = [
        f"# {code_span(package.name)}",
        "",
        f"A network for {package.facts.task}, made by bsngraph.",
        f"It needs Python 3.10 or newer, {needs}, and nothing else.",
        "",
        "## Use",
        "",
        "```python",
        *use,
        "```",
        "",
        *_given_and_taken(package),
        *_results(package),
        "## Files",
        "",
        *(f"- {line}" for line in files),
        "",
        "## License",
        "",
        "Fill in the license of this network and of its data before you pass it on.",
    ]
    return "\n".join(lines) + "\n"


def code_span(text: str) -> str:
    """A text that means nothing in Markdown, on one line."""
    plain = shortened(printable(text), 80).replace("`", "'").replace("|", "¦")
    return f"`{plain or ' '}`"


def _given_and_taken(package: ExportPackage) -> Iterator[str]:
    network = package.network
    yield from ("## Input and output", "")
    yield "Raw values go in, as the data have them; normalisation is inside, and the batch is free."
    yield ""
    yield from (f"- {_taken(each)}" for each in network.inputs)
    if len(network.inputs) > 1:
        yield "- They come in a mapping, by these names."
    yield from (f"- {_given(each)}" for each in network.outputs)
    yield ""
    classes = package.facts.classes
    shown = ", ".join(map(code_span, classes[:_MOST_CLASSES]))
    more = "" if len(classes) <= _MOST_CLASSES else f" and {len(classes) - _MOST_CLASSES} more"
    word = "Outputs" if TASKS[package.facts.task].standardised else "Classes"
    yield f"{word}, in order: {shown}{more}."
    yield ""


def _taken(given: RawInput) -> str:
    values = "" if given.high is None else f", values {given.low:g} to {given.high:g}"
    kind = _DIMENSIONS.get(given.layout, given.layout)
    return f"Input {code_span(given.name)}: {kind}, {shape_text(given.shape)}, {given.dtype}{values}"


def _given(output: RawOutput) -> str:
    shape = f"(batch, {', '.join(map(str, output.shape))})" if output.shape else "(batch,)"
    return f"Output {code_span(output.name)}: {shape}, {output.dtype}"


def _results(package: ExportPackage) -> Iterator[str]:
    headline, metrics = TASKS[package.facts.task].headline, package.result.metrics
    yield from ("## Results", "")
    yield f"Data: {code_span(package.config.data.name)}."
    yield ""
    yield "| | |"
    yield "|---|---|"
    for split, scores in (("test", metrics.test), ("validation", metrics.validation)):
        value = scores[headline.name]
        assert isinstance(value, float), "a headline is one number"
        yield f"| {headline.title}, {split} | {headline.value(value)} |"
    yield ""
    budgets = {each.cost: each for each in package.result.budgets}
    yield "| cost | this network | whole fabric | budget |"
    yield "|---|---|---|---|"
    for name, cost in package.result.costs.items():
        budget = budgets.get(name)
        limit = f"{quantity(budget.limit)}, {'met' if budget.met else 'missed'}" if budget else ""
        unit = "" if cost.unit == name else f" ({cost.unit})"
        yield f"| {code_span(name + unit)} | {quantity(cost.value)} | {quantity(cost.fabric)} | {limit} |"
    yield ""
    yield "The fabric is what the network was chosen from; export.json holds the proof of this export."
    yield ""
