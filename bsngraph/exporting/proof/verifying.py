"""The proof of an exported folder, made again: what export.json states against what is
found in the folder now.

In: an exported folder. Out: a `Verification`, one `Check` for each statement: of the
files, of the run's certificate, of the answers, the metric and the costs. What cannot
be told here, like a metric without the data, is stated and neither passes nor fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bsngraph.certificate import Check, Means, Verification, verify_certificate
from bsngraph.certificate.certificate import versions
from bsngraph.certificate.checks import agreement, attempted, told
from bsngraph.data import Dataset
from bsngraph.delivered.network_files import file_hash, weights_hash
from bsngraph.errors import InputError
from bsngraph.exporting.engine import Engine
from bsngraph.exporting.exported_folder import listed_files
from bsngraph.exporting.formats import export_format
from bsngraph.exporting.opening import engine_of_export, package_of_export, read_record, run_of_export
from bsngraph.exporting.package import ExportPackage, with_data
from bsngraph.exporting.proof.export_record import ExportRecord, MetricRow, ParityRow
from bsngraph.exporting.proof.proving import Proof, close_metric, close_parity, prove, same_metric


def verify_export(
    folder: Path,
    means: Means | None = None,
    *,
    data: str | Dataset | None = None,
    trusted: bool = False,
) -> Verification:
    """Prove an exported folder again. `means` count the costs of the run's certificate;
    `data` is the run's own data set by another name; the code of a `trusted` folder may
    run.

    Raises:
        InputError: it is no exported folder, export.json is damaged, or `data` are not
            those of its run.
    """
    record = read_record(folder)
    checks = [*_file_checks(folder, record), *_run_checks(folder, record, means)]
    package = attempted("network", "loads", lambda: package_of_export(folder, record))
    if isinstance(package, Check):
        return Verification((*checks, package))
    checks.append(agreement("weights", record.weights, weights_hash(package.delivered.net)))
    engine = attempted("export", "loads", lambda: engine_of_export(folder, record, package, trusted=trusted))
    if isinstance(engine, Check):
        return Verification((*checks, engine))
    return Verification((*checks, *_proof_checks(record, package, engine, data)))


def _file_checks(folder: Path, record: ExportRecord) -> Iterator[Check]:
    there = listed_files(folder)
    for name in sorted(there.keys() | record.files.keys()):
        stated = record.files.get(name)
        if stated is None:
            yield Check(f"file {name}", "no such file", "it was added later", False)
        elif name not in there:
            yield Check(f"file {name}", stated[:16], "there is no such file", False)
        else:
            found = attempted(f"file {name}", stated[:16], partial(file_hash, there[name]))
            yield found if isinstance(found, Check) else agreement(f"file {name}", stated, found)


def _run_checks(folder: Path, record: ExportRecord, means: Means | None) -> list[Check]:
    """Those of the run's own certificate, if it has one."""
    run = run_of_export(folder)
    if record.certificate is None:
        return [Check("certificate", "none", "none", None)]
    verified = attempted("certificate", "can be read", lambda: verify_certificate(run.path, means))
    if isinstance(verified, Check):
        return [verified]
    found = file_hash(run.file("certificate.json"))
    return [
        agreement("certificate", record.certificate, found),
        *(replace(check, name=f"run: {check.name}") for check in verified.checks),
    ]


def _proof_checks(
    record: ExportRecord, package: ExportPackage, engine: Engine, data: str | Dataset | None
) -> Iterator[Check]:
    exact = not record.options.int8
    try:
        package = with_data(package, data)
        missing = ""
    except InputError as error:
        if data is not None:
            raise
        missing = str(error)
    proof = attempted("proof", "can be made", lambda: prove(package, engine))
    if isinstance(proof, Check):
        yield proof
        return
    for stated, found in zip(record.parity, proof.parity, strict=False):
        told_stated, told_found = _parity_told(stated), _parity_told(found)
        # 8 bits round otherwise on other machines: what differs there is only stated
        agrees = close_parity(found) if exact else (told_stated == told_found or None)
        yield Check(f"answers of a batch of {found.batch}", told_stated, told_found, agrees)
    yield _metric_check(record, proof, missing, exact=exact)
    for name, cost in proof.costs.items():
        stated_cost = record.costs.get(name)
        same = stated_cost == cost and cost.exported <= cost.run
        yield Check(f"exported {name}", told(stated_cost and stated_cost.exported), told(cost.exported), same)
    for budget in proof.budgets:
        stated_budget = next((each for each in record.budgets if each.text == budget.text), None)
        same = stated_budget == budget and budget.met is not False
        told_budget = told(stated_budget and stated_budget.value)
        yield Check(f"exported, budget {budget.text}", told_budget, told(budget.value), same)
    stated_opset, opset = record.opset, getattr(engine, "opset", None)
    if opset is not None or stated_opset is not None:
        yield Check("opset", told(stated_opset), told(opset), stated_opset == opset)
    here = versions() | export_format(record.format).versions()
    same_versions = True if here == record.versions else None
    yield Check("versions", _words(record.versions), _words(here), same_versions)


def _metric_check(record: ExportRecord, proof: Proof, missing: str, *, exact: bool) -> Check:
    stated, found = record.metric, proof.metric
    name = f"test {stated.name}"
    if found is None:
        return Check(name, _metric_told(stated), missing, None)
    same = close_metric(stated.name, stated.after, found.after) and (not exact or same_metric(found))
    return Check(name, _metric_told(stated), _metric_told(found), same)


def _parity_told(row: ParityRow) -> str:
    others = f", {row.others} other classes" if row.others else ""
    return f"apart by {row.difference:.2g}{others}"


def _metric_told(metric: MetricRow) -> str:
    return f"{metric.after:.6g}, before {metric.before:.6g}"


def _words(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
