"""The text of `example.py`: the network run on a batch that is made up."""

from __future__ import annotations

from bsngraph.exporting.python.source.text.python_names import text_literal
from bsngraph.exporting.python.source.text.statements import call_lines
from bsngraph.exporting.raw_network import RawInput, RawNetwork

EXAMPLES = 4

_PRINTS = {
    "class": (
        "found = zip({class}, {probabilities}, strict=True)",
        "for number, shares in found:",
        '    print(f"{{CLASSES[number]}}: {{shares[number]:.1%}}")',
    ),
    "map": (
        "for pixels in {class}:",
        "    numbers, counts = pixels.unique(return_counts=True)",
        "    for number, count in zip(numbers, counts, strict=True):",
        '        print(f"{{CLASSES[number]}}: {{count}} pixels")',
    ),
    "amounts": (
        "for amounts in {amounts}:",
        "    for name, amount in zip(CLASSES, amounts, strict=True):",
        '        print(f"{{name}}: {{amount:.4g}}")',
    ),
    "decisions": (
        "for decisions in {decisions}:",
        "    named = zip(CLASSES, decisions, strict=True)",
        '    print("; ".join(name for name, applies in named if applies))',
    ),
    "logits": ("print({logits}.shape)",),
}


def example_source(network: RawNetwork, load: str, imports: str) -> str:
    """The text of an example. `load` makes the network, from what `imports` names."""
    first = network.outputs[0].target
    answers = {each.holds: each for each in network.outputs if each.target == first}
    kind = next(holds for holds in _PRINTS if holds in answers)
    if kind == "class" and answers["class"].shape:
        kind = "map"
    texts = {holds: f"answer[{text_literal(each.name)}]" for holds, each in answers.items()}
    names = ["CLASSES", imports] if kind != "logits" else [imports]
    lines = [
        '"""Run the network on a batch that is made up: `python example.py`."""',
        "",
        "import torch",
        "",
        f"from model import {', '.join(names)}",
        "",
        f"model = {load}",
        *_batch_lines(network),
        "with torch.inference_mode():",
        "    answer = model(batch)",
        *(line.format(**texts) for line in _PRINTS[kind]),
    ]
    return "\n".join(lines) + "\n"


def _batch_lines(network: RawNetwork) -> list[str]:
    if len(network.inputs) == 1:
        return call_lines(*_made_up("batch = ", network.inputs[0]), 0)
    lines = []
    for each in network.inputs:
        head, arguments = _made_up(f"{text_literal(each.name)}: ", each)
        lines += call_lines(head, arguments, 4, ",")
    return ["batch = {", *lines, "}"]


def _made_up(begin: str, given: RawInput) -> tuple[str, list[str]]:
    """A call that makes up a batch of one input: its head, its arguments."""
    shape = f"({', '.join(map(str, (EXAMPLES, *given.shape)))})"
    if given.dtype.startswith("float"):
        kind = [] if given.dtype == "float32" else [f"dtype=torch.{given.dtype}"]
        return f"{begin}torch.rand", [shape, *kind]
    high = 256 if given.dtype == "uint8" else int(given.high or 1) + 1
    return f"{begin}torch.randint", [str(high), shape, f"dtype=torch.{given.dtype}"]
