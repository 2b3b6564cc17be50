"""Whether the files of a run are those that its certificate was made for, and say the
same of the run.

In: the certificate and the folder. Out: a `Check` for each file that a reader believes,
and for each fact that two files state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bsngraph.certificate.certificate import Means
from bsngraph.certificate.checks import Check, agreement, attempted, equal, told
from bsngraph.costs import Sources, parse_budget, resolve_budgets
from bsngraph.delivered.model_facts import read_facts
from bsngraph.delivered.network_files import file_hash
from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.measure import LatencyTable, read_latencies
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import COVERED, Certificate
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.result import RunResult
from bsngraph.wording import quantity


def hash_checks(folder: Path, certificate: Certificate) -> Iterator[Check]:
    """Every file against the hash that the certificate has of it."""
    for name in COVERED:
        stated, there = certificate.files.get(name), (folder / name).exists()
        if stated is None and there:
            yield Check(f"file {name}", "no such file", "it was added later", False)
        elif stated is not None:
            yield _hash_check(folder / name, stated)


def _hash_check(path: Path, stated: str) -> Check:
    found = attempted(f"file {path.name}", stated[:16], lambda: file_hash(path))
    return found if isinstance(found, Check) else agreement(f"file {path.name}", stated, found)


def fact_checks(run: RunFolder, certificate: Certificate) -> Iterator[Check]:
    """What config.json, result.json, splits.json and model.safetensors say of the run
    and of its budgets, where they are there.
    """
    config = result = None
    if run.file("config.json").exists():
        config = attempted("config.json", "can be read", run.read_config)
    if run.file("result.json").exists():
        result = attempted("result.json", "can be read", run.read_result)
    for damaged in (config, result):
        if isinstance(damaged, Check):
            yield damaged
    if config is not None and not isinstance(config, Check):
        yield from _config_checks(run, certificate, config)
        if result is not None and not isinstance(result, Check):
            yield _stated("seed", config.seed, result.seed)
            yield _stated("task", config.data.task, result.task)
    if result is not None and not isinstance(result, Check):
        yield from _result_checks(certificate, result)


def _config_checks(run: RunFolder, certificate: Certificate, config: AnyConfig) -> Iterator[Check]:
    asked = [(each.text, each.cost, each.limit, each.relation) for each in config.budgets]
    stated = [(each.text, each.cost, each.limit, each.relation) for each in certificate.budgets]
    yield Check("budgets of config.json", _texts(stated), _texts(asked), stated == asked)
    facts = attempted(
        "facts of model.safetensors", config.data.task, lambda: read_facts(run.file("model.safetensors"))
    )
    if isinstance(facts, Check):
        yield facts
    else:
        yield _stated("task of model.safetensors", config.data.task, facts.task)
        yield _stated("classes of model.safetensors", config.data.classes, facts.classes)
    if run.file("splits.json").exists():
        splits = attempted("splits.json", "can be read", run.read_splits)
        if isinstance(splits, Check):
            yield splits
        else:
            sizes = config.data.examples
            yield _stated(
                "examples of splits.json",
                (sizes.train, sizes.validation, sizes.test),
                (len(splits.train), len(splits.validation), len(splits.test)),
            )
    if run.file("fabric.dot").exists() and certificate.budgets:
        yield from _limit_checks(run, certificate)


def _limit_checks(run: RunFolder, certificate: Certificate) -> Iterator[Check]:
    """Each limit against what its text means on the fabric that was searched."""
    try:
        profile = profile_fabric(read_fabric(run.file("fabric.dot")))
        sources = Sources()
        if run.file("latencies.json").exists():
            table = LatencyTable.of_row(run.read_latencies(), profile.fabric, run.file("latencies.json"))
            sources = Sources(lambda _: table.per_edge)
    except InputError as error:
        yield Check("limits", "can be computed", str(error), False)
        return
    for budget in certificate.budgets:
        name, stated = f"limit of {budget.text}", quantity(budget.limit)
        try:
            (meant,) = resolve_budgets(profile, [parse_budget(budget.text)], sources)
        except InputError as error:
            yield Check(name, stated, str(error), None)
            continue
        same = (meant.cost.name, meant.relation) == (budget.cost, budget.relation)
        yield Check(name, stated, quantity(meant.limit), same and equal(meant.limit, budget.limit))


def spread_checks(run: RunFolder, means: Means) -> Iterator[Check]:
    """What latencies.json says of another device against its own measurements of whole
    networks there.
    """
    if means.promised is None or not run.file("fabric.dot").exists():
        return
    file, stated = run.file("latencies.json"), means.promised
    found = attempted(
        "spread of latencies.json",
        "can be computed",
        lambda: read_latencies(file, profile_fabric(read_fabric(run.file("fabric.dot")))),
    )
    if isinstance(found, Check):
        yield found
        return
    for name, said, now in (
        ("spread", stated.spread, found.spread),
        ("operations", stated.calibration.operations, found.calibration.operations),
        ("joining", stated.calibration.joining, found.calibration.joining),
        ("sum of edges", sum(map(stated.calibrated_ms, found.edges)), float(found.calibrated.sum())),
    ):
        same = said is not None and now is not None and equal(said, now)
        yield Check(f"{name} of latencies.json", told(said), told(now), same)


def _result_checks(certificate: Certificate, result: RunResult) -> Iterator[Check]:
    """Budgets and a latency, which is measured once, are those of the certificate."""
    stated = [(each.cost, each.relation, each.limit) for each in certificate.budgets]
    found = [(each.cost, each.relation, each.limit) for each in result.budgets]
    yield _stated("budgets of result.json", stated, found)
    for each in result.budgets:
        value = certificate.costs[each.cost].value if each.cost in certificate.costs else None
        same = value is not None and equal(each.value, value) and equal(result.costs[each.cost].value, value)
        met = each.met or each.relation == "~="
        yield Check(f"result.json, budget on {each.cost}", told(value), told(each.value), same and met)


def _stated(name: str, one: object, other: object) -> Check:
    return Check(name, told(one), told(other), one == other)


def _texts(budgets: Sequence[tuple[str, object, object, object]]) -> str:
    return ", ".join(text for text, *_ in budgets) or "none"
