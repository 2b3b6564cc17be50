"""A network as a folder of Python: model.py, its weights, an example, a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.python.model_card import model_card
from bsngraph.exporting.python.source.example_source import example_source
from bsngraph.exporting.python.source.model_source import WEIGHTS, ModelSource, model_source
from bsngraph.exporting.python.user_operations import CopiedOperations, copied_operations
from bsngraph.whole_files import write_whole

MODEL_FILE_PY = "model.py"


def write_python(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    """Write model.py with all that belongs to it.

    Raises:
        InputError: an operation of the user's that is not to be copied, or one that
            there is no way to write.
    """
    source = python_source(package, include_ops=options.include_ops)
    for name, text in code_files(*source).items():
        write_whole(folder / name, text)
    write_tensors(package, source[0].weights, folder)
    write_whole(folder / "example.py", example_source(package.network, "load()", "load"))
    use = ["from model import load", "", "model = load()", "answer = model(batch)"]
    write_whole(folder / "README.md", model_card(package, use, file_lines(source[1])))


def python_source(package: ExportPackage, *, include_ops: bool) -> tuple[ModelSource, CopiedOperations]:
    """The source of a package's network.

    Raises:
        InputError: as `write_python`.
    """
    copied = copied_operations(package.profile.fabric, include=include_ops)
    return model_source(package.name, package.delivered, package.network, copied), copied


def code_files(source: ModelSource, copied: CopiedOperations) -> dict[str, str]:
    """The texts that loading the folder executes, by the names of their files; model.py
    is the last.
    """
    return {f"{name}.py": text for name, text in copied.texts.items()} | {MODEL_FILE_PY: source.text}


def write_tensors(package: ExportPackage, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Write model.safetensors, with what the network is for in its metadata."""
    said = package.facts.metadata() | package.metadata() | {"format": "pt"}
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in weights.items()}
    write_whole(folder / WEIGHTS, save(tensors, said))


def file_lines(copied: CopiedOperations) -> list[str]:
    """What the files of the folder are, for its model card."""
    own = [f"`{name}.py`: operations of the author's" for name in copied.texts]
    return [
        "`model.py`: the network",
        *own,
        "`model.safetensors`: its weights",
        "`example.py`: runs it on a batch that is made up",
        "`export.json`: the proof that it answers as the network that was searched",
        "`run/`: the files of the run, by which bsngraph verifies it",
    ]


def json_file(value: object) -> str:
    """A value as the text of a JSON file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
