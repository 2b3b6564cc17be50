"""A network as a program of torch.export: model.pt2, which torch runs without any
class of ours.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bsngraph.delivered.network_files import file_hash
from bsngraph.errors import InputError
from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.programs.tracing import example_batch, free_batch, quietly, refusal, without_paths
from bsngraph.supernet.supernet import Inputs
from bsngraph.whole_files import check_regular
from bsngraph.wording import printable, shortened

PROGRAM_FILE = "model.pt2"

_LONGEST = 200


def write_program(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    """Write model.pt2.

    Raises:
        BsngraphError: an operator that torch.export cannot trace.
    """
    program = traced_program(package, "torch.export")
    # torch opens the archive by the names that these files have in it
    said = {f"{name}.txt": text for name, text in package.metadata().items()}
    with quietly():
        torch.export.save(program, folder / PROGRAM_FILE, extra_files=said)


def traced_program(
    package: ExportPackage, format_name: str, *, most: int | None = None
) -> torch.export.ExportedProgram:
    """The network as torch.export traces it, its batch free, or of `most` examples.

    Raises:
        BsngraphError: an operator that cannot be traced.
    """

    def trace(module: nn.Module, inputs: Inputs, **more: Any) -> torch.export.ExportedProgram:
        with quietly(), torch.no_grad():
            return without_paths(torch.export.export(module, (inputs,), **more))

    network = package.network
    try:
        return trace(network, example_batch(network), dynamic_shapes=free_batch(network, most))
    except Exception as error:  # the tracer raises what its parts raise
        raise refusal(package, format_name, trace, error) from error


def load_program(folder: Path, package: ExportPackage, trusted: bool) -> TorchEngine:
    """The engine of an exported folder.

    torch's reader executes what is in such a file. Of a folder that is not trusted, the
    same program is made again and run, if the file is that program.

    Raises:
        InputError: model.pt2 cannot be read, or is not the run's program.
    """
    path = folder / PROGRAM_FILE
    check_regular(path)
    if not trusted:
        with tempfile.TemporaryDirectory() as again:
            write_program(package, Path(again), ExportOptions())
            if file_hash(path) != file_hash(Path(again) / PROGRAM_FILE):
                raise InputError(
                    f"{path}: is not what this version of torch writes for its run, and reading it could "
                    "execute code: use --trust if you made it yourself"
                )
    try:
        with quietly():
            program = torch.export.load(path)
    except Exception as error:  # torch's reader raises what its parts raise
        what = shortened(printable(str(error)), _LONGEST)
        raise InputError(f"{path}: is no program of torch.export ({what}): export the run again") from None
    return TorchEngine(program.module(), package.network.inputs)
