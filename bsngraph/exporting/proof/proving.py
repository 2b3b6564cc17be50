"""The proof of an export: the same answers, the same metric, no more cost."""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.certificate.certificate import judge_budget
from bsngraph.certificate.recount import count_macs, count_params
from bsngraph.exporting.engine import Engine, GraphCounts, TorchEngine
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.proof.export_record import CostRow, MetricRow, ParityRow
from bsngraph.exporting.proof.measuring import metrics_of
from bsngraph.exporting.proof.parity import TOLERANCE, parity
from bsngraph.runs.rows.certificate import BudgetClaim, JudgedBudget
from bsngraph.tasks import TASKS

METRIC_TOLERANCE = 1e-4
"""Of the metric; of one, for a share."""


@dataclass(frozen=True)
class Proof:
    """What was found of an export; `metric` is None if the data are not here."""

    parity: tuple[ParityRow, ...]
    metric: MetricRow | None
    costs: dict[str, CostRow]
    budgets: tuple[JudgedBudget, ...]


def prove(package: ExportPackage, exported: Engine) -> Proof:
    """Compare an export with the run's network: run both, and count what was
    exported.
    """
    reference = TorchEngine(package.reference, package.network.inputs)
    costs = cost_rows(package, exported.counts())
    return Proof(
        parity=parity(package, reference, exported),
        metric=_metric(package, reference, exported),
        costs=costs,
        budgets=_budgets(package, costs),
    )


def failures(proof: Proof, *, exact: bool) -> list[str]:
    """What a proof does not hold for; without `exact` answers may differ, as those of
    8 bits do.
    """
    found = []
    for row in proof.parity if exact else ():
        if row.difference > TOLERANCE:
            found.append(
                f"a batch of {row.batch}: outputs differ by {row.difference:.2g} of the largest one, more "
                f"than {TOLERANCE:g}"
            )
        if row.others > row.ties:
            found.append(f"a batch of {row.batch}: {row.others - row.ties} classes or decisions are others")
    if exact and proof.metric is not None and not same_metric(proof.metric):
        metric = proof.metric
        found.append(f"{metric.name} on test data is {metric.after:.6g}, and was {metric.before:.6g}")
    for name, cost in proof.costs.items():
        if cost.exported > cost.run:
            found.append(f"{name}: the export costs {cost.exported:,}, the run's network {cost.run:,}")
    found += [
        f"budget {each.text}: the export costs {each.value:,.10g}"
        for each in proof.budgets
        if each.met is False
    ]
    return found


def same_metric(metric: MetricRow) -> bool:
    """Whether a metric is the same before and after."""
    return close_metric(metric.name, metric.before, metric.after)


def close_metric(name: str, one: float, other: float) -> bool:
    """Whether two values of a metric are the same to the rounding of a few ties."""
    scale = max(abs(one), 1.0 if name in _SHARES else 1e-12)
    return abs(one - other) <= METRIC_TOLERANCE * scale


def close_parity(row: ParityRow) -> bool:
    """Whether a batch's answers are the same."""
    return row.difference <= TOLERANCE and row.others <= row.ties


_SHARES = {row.headline.name for row in TASKS.values() if row.headline.percent}


def cost_rows(package: ExportPackage, exported: GraphCounts) -> dict[str, CostRow]:
    """The costs that can be counted on what was exported, each beside the same counted
    on the run's network, as its certificate does.
    """
    macs, params = count_macs(package.profile), count_params(package.delivered.net)
    return {
        "macs": CostRow(unit="MACs", run=macs, exported=exported.macs),
        "flops": CostRow(unit="FLOPs", run=2 * macs, exported=2 * exported.macs),
        "params": CostRow(unit="parameters", run=params, exported=exported.params),
    }


def _budgets(package: ExportPackage, costs: dict[str, CostRow]) -> tuple[JudgedBudget, ...]:
    """Each budget of the run: on what was counted here, else on what its run
    counted.
    """
    judged = []
    for asked in package.config.budgets:
        name = asked.cost
        value = costs[name].exported if name in costs else package.result.costs[name].value
        judged.append(judge_budget(BudgetClaim(asked.text, name, asked.limit, asked.relation), value))
    return tuple(judged)


def _metric(package: ExportPackage, reference: Engine, exported: Engine) -> MetricRow | None:
    if package.dataset is None:
        return None
    name, test = TASKS[package.facts.task].headline.name, package.dataset.test
    before, after = (
        metrics_of(engine, package.network, package.facts, test).metrics[name]
        for engine in (reference, exported)
    )
    return MetricRow(name=name, examples=len(test), before=before, after=after)
