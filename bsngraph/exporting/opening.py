"""An exported folder, opened again: by its record, its run's files, and its engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.exporting.engine import Engine
from bsngraph.exporting.exported_folder import RECORD_FILE, RUN_FOLDER
from bsngraph.exporting.formats import export_format
from bsngraph.exporting.package import ExportPackage, pack_without_data
from bsngraph.exporting.proof.export_record import ExportRecord
from bsngraph.runs import RunFolder
from bsngraph.typed_files import read_row


def read_record(folder: Path) -> ExportRecord:
    """What export.json says.

    Raises:
        InputError: it is missing or damaged, or names a format that there is none of.
    """
    path = folder / RECORD_FILE
    if not path.exists():
        raise InputError(f"{folder} is no exported folder: there is no {RECORD_FILE} in it")
    record = read_row(path, ExportRecord)
    export_format(record.format)
    return record


def run_of_export(folder: Path) -> RunFolder:
    """The run that an exported folder carries."""
    return RunFolder(folder / RUN_FOLDER)


def package_of_export(folder: Path, record: ExportRecord) -> ExportPackage:
    """The package that the run in an exported folder gives, without data.

    Raises:
        InputError: the run's files do not fit each other, its certificate or the
            record.
    """
    package = pack_without_data(
        run_of_export(folder).path, record.inputs[0].dtype, logits=record.options.logits
    )
    said = (record.task, record.classes, record.inputs, record.outputs)
    if said != (package.facts.task, package.facts.classes, package.network.inputs, package.network.outputs):
        raise InputError(
            f"{folder / RECORD_FILE}: its task, classes, inputs or outputs are not those of the run in "
            f"{RUN_FOLDER}: export the run again"
        )
    return replace(package, name=record.name)  # a fabric without one took its run folder's


def engine_of_export(
    folder: Path, record: ExportRecord, package: ExportPackage, *, trusted: bool = False
) -> Engine:
    """What runs the exported network; of a folder that is not `trusted` no code is
    executed.

    Raises:
        InputError: the format's packages are not installed, or its files are damaged or
            not what its writer writes.
    """
    row = export_format(record.format)
    row.check_installed()
    return row.load(folder, package, trusted=trusted)
