"""A run's network, exported: load → wrap → write → prove → move into place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsngraph.certificate.certificate import versions
from bsngraph.data import Dataset
from bsngraph.delivered.network_files import weights_hash
from bsngraph.errors import BsngraphError, InputError
from bsngraph.exporting.engine import Engine
from bsngraph.exporting.exported_folder import (
    RECORD_FILE,
    RUN_FOLDER,
    appearing,
    check_place,
    copy_run,
    hashes,
    is_export,
)
from bsngraph.exporting.formats import ExportFormat, export_format
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.exporting.proof.export_record import DataRow, ExportRecord
from bsngraph.exporting.proof.proving import Proof, failures, prove
from bsngraph.typed_files import json_text
from bsngraph.whole_files import write_whole


@dataclass(frozen=True)
class Exported:
    """An exported folder and what its export.json says. `notes` say how the data differ
    from those of the run.
    """

    folder: Path
    record: ExportRecord
    notes: tuple[str, ...] = ()


def export(
    run: str | Path,
    format_name: str,
    out: str | Path,
    *,
    options: ExportOptions | None = None,
    data: str | Dataset | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the network that a run delivers for where bsngraph is not, and prove that
    it answers the same.

    `format_name` is one of `EXPORT_FORMATS`. `data` is the run's own data set by
    another name: the proof measures the export on its test examples. `overwrite`
    replaces an export at `out`.

    Raises:
        InputError: there is no such format, it needs a package that is not installed or
            does not take an option; `run` holds no finished run, or other files than
            its certificate says; its data are not here; or something is at `out`.
        BsngraphError: the format cannot hold the network, or the proof fails. Nothing
            is left at `out` then.
    """
    row, options, folder = export_format(format_name), options or ExportOptions(), Path(out)
    row.check_takes(options)
    row.check_installed()
    check_place(folder, overwrite=overwrite)
    if is_export(Path(run)):
        raise InputError(
            f"{run} is an exported folder: name a run, such as the one in it, {run}/{RUN_FOLDER}"
        )
    package = pack(Path(run), data=data, logits=options.logits)
    with appearing(folder) as made:
        row.write(package, made, options)
        copy_run(package.run, made)
        engine = row.load(made, package, trusted=True)
        proof = _proved(package, engine, exact=not options.int8)
        record = _record(package, row, options, proof, engine, hashes(made))
        write_whole(made / RECORD_FILE, json_text(record))
    return Exported(folder, record, package.notes)


def _proved(package: ExportPackage, engine: Engine, *, exact: bool) -> Proof:
    proof = prove(package, engine)
    wrong = failures(proof, exact=exact)
    if wrong:
        raise BsngraphError("\n".join(["the export failed its proof, and nothing was written:", *wrong]))
    return proof


def _record(
    package: ExportPackage,
    row: ExportFormat,
    options: ExportOptions,
    proof: Proof,
    engine: Engine,
    files: dict[str, str],
) -> ExportRecord:
    assert proof.metric is not None, "what is exported was packed with its data"
    data = package.config.data
    return ExportRecord(
        format=row.name,
        name=package.name,
        task=package.facts.task,
        classes=package.facts.classes,
        options=options,
        inputs=package.network.inputs,
        outputs=package.network.outputs,
        mean=package.facts.mean,
        std=package.facts.std,
        opset=getattr(engine, "opset", None),
        int8=getattr(engine, "int8", None),
        data=DataRow(name=data.name, fingerprint=data.fingerprint),
        weights=weights_hash(package.delivered.net),
        certificate=package.certificate_hash,
        parity=proof.parity,
        metric=proof.metric,
        costs=proof.costs,
        budgets=proof.budgets,
        versions=versions() | row.versions(),
        files=files,
    )
