"""The table of export formats. A format is one row of `EXPORT_FORMATS`; the code of a
row is imported when it is first needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bsngraph.errors import InputError, nearest
from bsngraph.exporting.engine import Engine
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage

Write = Callable[[ExportPackage, Path, ExportOptions], None]
Load = Callable[[Path, ExportPackage, bool], Engine]


@dataclass(frozen=True)
class ExportFormat:
    """A row.

    `writer` is `module:function` of a function that writes the network of a package
    into a folder that is there; it raises a BsngraphError for what the format cannot
    hold.

    `loader` is one that loads it again, given the folder, the package of the run that
    it was made from, and whether the folder is trusted. A folder that is not may be a
    stranger's: if loading could execute what is in a file, the loader first finds that
    the file is what its writer would write, and else raises an InputError that names
    --trust.

    `packages` must be installed, and `install` is how. `takes` are the options beside
    `logits` that mean something to the format.
    """

    name: str
    help: str
    writer: str
    loader: str
    packages: tuple[str, ...] = ()
    install: str = ""
    takes: frozenset[str] = frozenset()

    def write(self, package: ExportPackage, folder: Path, options: ExportOptions) -> None:
        """Write the network into `folder`."""
        function: Write = pkgutil.resolve_name(self.writer)
        function(package, folder, options)

    def load(self, folder: Path, package: ExportPackage, *, trusted: bool = False) -> Engine:
        """Load what `write` wrote. A `trusted` folder is the user's own: its code may
        run.
        """
        function: Load = pkgutil.resolve_name(self.loader)
        return function(folder, package, trusted)

    def check_takes(self, options: ExportOptions) -> None:
        """Make sure that options mean something to the format.

        Raises:
            InputError: one does not.
        """
        usual = ExportOptions()
        for each in fields(options):
            other = getattr(options, each.name) != getattr(usual, each.name)
            if other and each.name not in self.takes | {"logits"}:
                takers = [row.name for row in EXPORT_FORMATS.values() if each.name in row.takes]
                raise InputError(
                    f"--{each.name.replace('_', '-')} is for --format {' and '.join(takers)}, not for "
                    f"{self.name}: leave it out"
                )

    def versions(self) -> dict[str, str]:
        """The versions of its packages."""
        return {name: version(name) for name in self.packages}

    def check_installed(self) -> None:
        """Make sure that the format's packages are here.

        Raises:
            InputError: one is not.
        """
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise InputError(
                f"--format {self.name} needs {' and '.join(missing)}, not installed here: {self.install}"
            )


EXPORT_FORMATS: dict[str, ExportFormat] = {
    row.name: row
    for row in (
        ExportFormat(
            name="python",
            help="one readable model.py that needs torch and safetensors alone",
            writer="bsngraph.exporting.python.writing:write_python",
            loader="bsngraph.exporting.python.running:load_python",
            takes=frozenset({"include_ops"}),
        ),
        ExportFormat(
            name="hf",
            help="the same as a folder for the Hugging Face Hub, loaded by from_pretrained",
            writer="bsngraph.exporting.hugging_face.writing:write_hub_folder",
            loader="bsngraph.exporting.hugging_face.running:load_hub_folder",
            packages=("huggingface_hub",),
            install="pip install 'bsngraph[hf]'",
            takes=frozenset({"include_ops"}),
        ),
        ExportFormat(
            name="onnx",
            help="one ONNX file, for onnxruntime, LiteRT, C++ and browsers",
            writer="bsngraph.exporting.onnx.writing:write_onnx",
            loader="bsngraph.exporting.onnx.running:load_onnx",
            packages=("onnx", "onnxscript", "onnxruntime"),
            install="pip install 'bsngraph[onnx]'",
            takes=frozenset({"opset", "int8", "int8_loss"}),
        ),
        ExportFormat(
            name="torch-export",
            help="a program of torch.export (.pt2), for torch without Python classes",
            writer="bsngraph.exporting.programs.torch_export:write_program",
            loader="bsngraph.exporting.programs.torch_export:load_program",
        ),
        ExportFormat(
            name="executorch",
            help="a program for phones and boards (.pte)",
            writer="bsngraph.exporting.programs.executorch:write_edge_program",
            loader="bsngraph.exporting.programs.executorch:load_edge_program",
            packages=("executorch",),
            install="pip install executorch",
        ),
    )
}


def export_format(name: str) -> ExportFormat:
    """The row of that name.

    Raises:
        InputError: there is none.
    """
    if name not in EXPORT_FORMATS:
        raise InputError(f"there is no export format {name!r}: {nearest(name, EXPORT_FORMATS)}")
    return EXPORT_FORMATS[name]
