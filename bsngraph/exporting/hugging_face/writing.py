"""A network as a folder for the Hugging Face Hub: model.py whose class is loaded by
`from_pretrained`, config.json, weights, an example, a model card with front matter.
"""

from __future__ import annotations

from pathlib import Path

from bsngraph.exporting.hugging_face.front_matter import front_matter
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.python.model_card import model_card
from bsngraph.exporting.python.source.example_source import example_source
from bsngraph.exporting.python.source.model_source import Flavour, ModelSource, model_source
from bsngraph.exporting.python.user_operations import CopiedOperations, copied_operations
from bsngraph.exporting.python.writing import code_files, file_lines, json_file, write_tensors
from bsngraph.whole_files import write_whole

CONFIG_FILE = "config.json"

HUB = Flavour(
    bases="nn.Module, PyTorchModelHubMixin",
    imports=("from huggingface_hub import PyTorchModelHubMixin",),
    with_load=False,
)


def write_hub_folder(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    """Write the folder.

    Raises:
        InputError: an operation of the user's that is not to be copied, or one that
            there is no way to write.
    """
    source, copied = hub_source(package, include_ops=options.include_ops)
    for name, text in code_files(source, copied).items():
        write_whole(folder / name, text)
    write_tensors(package, source.weights, folder)
    write_whole(folder / CONFIG_FILE, json_file(_config(package, source)))
    loading = f'{source.class_name}.from_pretrained(".", strict=True)'
    write_whole(folder / "example.py", example_source(package.network, loading, source.class_name))
    use = [
        f"from model import {source.class_name}",
        "",
        f"model = {loading}",
        "answer = model(batch)",
    ]
    files = ["`config.json`: what goes in and what comes out", *file_lines(copied)]
    card = model_card(package, use, files, needs="torch, safetensors and huggingface_hub")
    write_whole(folder / "README.md", front_matter(package) + card)


def hub_source(package: ExportPackage, *, include_ops: bool) -> tuple[ModelSource, CopiedOperations]:
    """The source of a package's network, for the Hub.

    Raises:
        InputError: as `write_hub_folder`.
    """
    copied = copied_operations(package.profile.fabric, include=include_ops)
    return model_source(package.name, package.delivered, package.network, copied, HUB), copied


def _config(package: ExportPackage, source: ModelSource) -> dict[str, object]:
    """What config.json says of the network. Its class takes none of it: it is for who
    reads it.
    """
    classes = package.facts.classes
    return {
        "architectures": [source.class_name],
        "task": package.facts.task,
        "id2label": {str(number): name for number, name in enumerate(classes)},
        "inputs": [
            {"name": each.name, "shape": each.shape, "dtype": each.dtype, "layout": each.layout}
            for each in package.network.inputs
        ],
        "outputs": [
            {"name": each.name, "shape": each.shape, "dtype": each.dtype} for each in package.network.outputs
        ],
        "versions": package.config.versions,
    }
