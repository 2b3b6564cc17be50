"""The verdict on a run: its metric, each budget, its certificate, in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsngraph.costs import CLOSE
from bsngraph.reporting.facts.metric_words import headline_of, metric_title, score_text
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.runs.lock import run_goes_on
from bsngraph.runs.rows.result import BudgetResult, RunResult
from bsngraph.wording import quantity

Mark = Literal["good", "bad", "open"]

# A sum may round differently when its terms are added in another order.
_ROUNDING = 1e-9
_WEIGHTS = {
    "trained": "trained from scratch",
    "fine-tuned": "fine-tuned",
    "inherited": "inherited from the super-network",
}
_FEW = {1: "its budget", 2: "both budgets"}


@dataclass(frozen=True)
class Statement:
    """Something that holds (good), does not (bad), or is not known (open)."""

    text: str
    mark: Mark


@dataclass(frozen=True)
class Verdict:
    """What a reader wants to know first. `line` says all of it in one sentence.

    `metric` and `score` are the task's metric on test data, empty while the run is
    unfinished; `statements` are of each budget and of the certificate.
    """

    line: str
    metric: str
    score: str
    aside: str
    statements: tuple[Statement, ...]
    notes: tuple[str, ...]


def verdict_of(facts: RunFacts) -> Verdict:
    """The verdict on a run, finished or not."""
    if facts.result is None:
        return _unfinished(facts)
    result = facts.result
    scores = result.metrics.test
    name = headline_of(scores)
    test, validation = score_text(scores, name), score_text(result.metrics.validation, name)
    budgets = tuple(_judged(budget, result.costs[budget.cost].unit) for budget in result.budgets)
    certified = _certified(facts)
    edges = result.edges
    kept = (
        f"{edges.kept} of {edges.searchable} searchable edges kept"
        if edges.searchable
        else f"all {edges.fixed} edges are fixed"
    )
    weights = f"; weights {_WEIGHTS[result.weights]}" if result.weights else ""
    return Verdict(
        line=f"Test {metric_title(name)} {test}{_inside(result, budgets)}; {certified.text}.",
        metric=f"{metric_title(name)} on test data",
        score=test,
        aside=f"{validation} on validation data; {kept}{weights}; {result.seconds:,.0f} s",
        statements=(*budgets, certified),
        notes=tuple(line for note in result.notes for line in note.splitlines()),
    )


def budget_met(budget: BudgetResult) -> bool:
    """Whether the value is inside a hard budget, or close to a soft one, by the numbers
    and not by the file's word.
    """
    if budget.relation == "<=":
        return budget.value <= budget.limit * (1 + _ROUNDING)
    return abs(budget.value - budget.limit) <= CLOSE * budget.limit


def after(cost: str, unit: str) -> str:
    """The unit after an amount: ` ms`, and nothing where the cost's name says it."""
    return "" if unit.lower() in ("", cost) or cost.startswith(unit) else f" {unit}"


def _unfinished(facts: RunFacts) -> Verdict:
    count = len(facts.epochs)
    last = f", the last one of the stage {facts.epochs[-1].stage}" if count else ""
    epochs = "1 epoch" if count == 1 else f"{count} epochs"
    now = "It goes on now." if run_goes_on(facts.run.path) else "Nothing goes on with it now."
    line = f"This run is unfinished: it has {epochs} so far{last}, and has delivered no network yet. {now}"
    return Verdict(line, "", "", "", (Statement("unfinished", "open"),), ())


def _judged(budget: BudgetResult, unit: str) -> Statement:
    met = budget_met(budget)
    hard = budget.relation == "<="
    sign = ("≤" if met else ">") if hard else "≈" if met else "≉"
    said = "met" if met else "NOT met" if hard else "not close"
    return Statement(
        f"{budget.cost}: {quantity(budget.value)} {sign} {quantity(budget.limit)}{after(budget.cost, unit)}, "
        f"{said}",
        "good" if met else "bad" if hard else "open",
    )


def _inside(result: RunResult, budgets: tuple[Statement, ...]) -> str:
    if not budgets:
        return ", without a budget"
    each = "; ".join(budget.text.rpartition(",")[0] for budget in budgets)
    failed = [one.cost for one in result.budgets if one.relation == "<=" and not budget_met(one)]
    if failed:
        return f", NOT inside the budget on {', '.join(failed)} ({each})"
    soft = [one for one in result.budgets if one.relation != "<="]
    if soft:
        near = "close to" if all(budget_met(one) for one in soft) else "not close to all of"
        return f", {near} its budgets ({each})"
    return f", inside {_FEW.get(len(budgets), f'all {len(budgets)} budgets')} ({each})"


def _certified(facts: RunFacts) -> Statement:
    certificate, changed = facts.certificate, facts.changed
    if certificate is None:
        return Statement("no certificate", "open")
    day = certificate.date.partition("T")[0]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        return Statement(
            f"the certificate of {day} does NOT hold: changed since are {', '.join(changed[:3])}{more}", "bad"
        )
    contradicted = _contradicted(facts)
    if contradicted:
        return Statement(f"the certificate of {day} counts another value of {contradicted[0]}", "bad")
    return Statement(f"certified on {day}, its {len(certificate.files)} files are unchanged", "good")


def _contradicted(facts: RunFacts) -> list[str]:
    """The budgets whose value in result.json is not what the certificate counted."""
    assert facts.certificate is not None
    assert facts.result is not None
    counted = {name: cost.value for name, cost in facts.certificate.costs.items()}
    return [
        budget.cost
        for budget in facts.result.budgets
        if budget.cost in counted
        and abs(counted[budget.cost] - budget.value) > 1e-6 * max(abs(budget.value), 1.0)
    ]
