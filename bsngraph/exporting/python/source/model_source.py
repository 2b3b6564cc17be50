"""A package → the text of its `model.py`, and the weights by their names in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from bsngraph.delivered import Delivered
from bsngraph.exporting.python.source.answer_source import KeyTexts, answer_lines, class_docstring
from bsngraph.exporting.python.source.network_source import NetworkSource, network_source
from bsngraph.exporting.python.source.operations.module_writers import INSTANCE_NORM
from bsngraph.exporting.python.source.text.expressions import Infix, MethodCall, Word
from bsngraph.exporting.python.source.text.python_names import PythonNames, text_literal
from bsngraph.exporting.python.source.text.statements import assignment_lines, call_lines, tuple_lines
from bsngraph.exporting.python.user_operations import CopiedOperations
from bsngraph.exporting.raw_network import RawNetwork

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class ModelSource:
    """The text of a `model.py`, the name of its class, and its state_dict."""

    text: str
    class_name: str
    weights: Mapping[str, Tensor]


@dataclass(frozen=True)
class Flavour:
    """What differs between the formats of source: what the class inherits from beside
    `nn.Module`, the imports for that, and how it is loaded.
    """

    bases: str = "nn.Module"
    imports: tuple[str, ...] = ()
    with_load: bool = True


PLAIN = Flavour()

_TAKEN_CLASSES = ("Tensor", "Path", INSTANCE_NORM, "PyTorchModelHubMixin", "CLASSES", "WEIGHTS")


def model_source(
    name: str,
    delivered: Delivered,
    network: RawNetwork,
    copied: CopiedOperations,
    flavour: Flavour = PLAIN,
) -> ModelSource:
    """The source for a delivered network. It depends on the graph and on what is said
    of data and answers, but on no weight.

    Raises:
        InputError: an operation cannot be written.
    """
    classes = PythonNames(_TAKEN_CLASSES)
    title = classes.title(name, "Network")
    buffers = dict(network.named_buffers(recurse=False))
    parts = network_source(delivered.net, classes, [*buffers], copied)
    keys = KeyTexts()
    body = [
        f"class {title}({flavour.bases}):",
        *class_docstring(name, network),
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(line for called, value in buffers.items() for line in _buffer_lines(called, value)),
        *parts.layers,
        "",
        *_forward(delivered, network, parts, keys),
    ]
    code = [*_instance_norm(parts), *(line for block in parts.blocks for line in (*block, "", "")), *body]
    if flavour.with_load:
        code += ["", "", *_load(title)]
    constants = [*tuple_lines("CLASSES", map(text_literal, network.classes)), *keys.lines()]
    if flavour.with_load:
        constants.append(f"WEIGHTS = Path(__file__).with_name({text_literal(WEIGHTS)})")
    head = [*_imports(parts, copied, flavour), "", *constants, "", ""]
    weights = {called: value.detach() for called, value in buffers.items()} | dict(parts.weights)
    return ModelSource(
        "\n".join([*_docstring(title, network, flavour), "", *head, *code]) + "\n", title, weights
    )


def _imports(parts: NetworkSource, copied: CopiedOperations, flavour: Flavour) -> Iterator[str]:
    """What the code uses, in the order that linters ask for."""
    computing = [*parts.passes, *(line for block in parts.blocks for line in block)]
    if flavour.with_load:
        yield from ("from pathlib import Path", "")
    yield "import torch"
    yield from flavour.imports
    if flavour.with_load:
        yield "from safetensors.torch import load_file"
    yield "from torch import Tensor, nn"
    if any("functional." in line for line in computing):
        yield "from torch.nn import functional"
    if copied.texts:
        yield ""
    yield from (f"import {module}" for module in copied.texts)


def _docstring(title: str, network: RawNetwork, flavour: Flavour) -> list[str]:
    example = "load()" if flavour.with_load else f"{title}.from_pretrained(FOLDER, strict=True)"
    return [
        f'"""A network for {network.task}, made by bsngraph.',
        "",
        f"    model = {example}",
        "    answer = model(batch)",
        "",
        "It is made for use, not for training: norms of batches are part of the convolutions",
        "before them, and dropout is left out.",
        '"""',
    ]


def _buffer_lines(name: str, value: Tensor) -> list[str]:
    kind = "" if value.dtype.is_floating_point and value.itemsize == 4 else f", dtype={value.dtype}"
    made = "ones" if name.endswith("std") else "zeros"
    shape = ", ".join(map(str, value.shape))
    return call_lines("self.register_buffer", [text_literal(name), f"torch.{made}({shape}{kind})"], 8)


def _instance_norm(parts: NetworkSource) -> list[str]:
    lines = [*parts.layers, *(line for block in parts.blocks for line in block)]
    if not any(f"= {INSTANCE_NORM}(" in line for line in lines):
        return []
    return [
        f"class {INSTANCE_NORM}(nn.GroupNorm):",
        '    """A norm of each channel of an example, which may be a single pixel."""',
        "",
        "    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = True) -> None:",
        "        super().__init__(channels, channels, eps=eps, affine=affine)",
        "",
        "    def forward(self, x: Tensor) -> Tensor:",
        "        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)",
        "",
        "",
    ]


def _forward(
    delivered: Delivered, network: RawNetwork, parts: NetworkSource, keys: KeyTexts
) -> Iterator[str]:
    fabric = delivered.net.fabric
    sources = dict(zip(fabric.sources, fabric.source_indices, strict=True))
    variables = {name: parts.variables[index] for name, index in sources.items()}
    alone = next(iter(variables.values())) if len(variables) == 1 else ""
    taken = f"{alone}: Tensor" if alone else "inputs: dict[str, Tensor]"
    yield f"    def forward(self, {taken}) -> dict[str, Tensor]:"
    for each in network.inputs:
        variable = variables[each.name]
        given = Word(variable if alone else f"inputs[{keys.text(each.name)}]")
        double = each.dtype == "float64"
        raw = MethodCall(given, "double" if double else "float")
        centred = Infix("-", (raw, Word("self.mean")))
        value = Infix("/", (centred, Word("self.std")))
        shape = ", ".join(["batch", *map(str, each.shape)])
        yield from assignment_lines(
            variable, MethodCall(value, "float") if double else value, 8, f"({shape})"
        )
    yield from parts.passes
    yield from answer_lines(delivered, network, parts.variables, keys)


def _load(title: str) -> list[str]:
    return [
        f"def load(path: str | Path = WEIGHTS) -> {title}:",
        '    """The network with the weights of a file, ready for use on the CPU."""',
        f"    model = {title}()",
        "    model.load_state_dict(load_file(path))",
        "    return model.eval()",
    ]
