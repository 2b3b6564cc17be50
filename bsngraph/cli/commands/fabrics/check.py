"""`bsngraph check`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.data_options import data_options, dataset_from
from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.inputs import load_profile
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import (
    FILE,
    budget_option,
    device_option,
    format_option,
    latencies_option,
    moved_option,
    ops_option,
    set_option,
    task_option,
    threads_option,
)
from bsngraph.errors import InfeasibleBudgetError, InputError
from bsngraph.settings import CostSettings

if TYPE_CHECKING:
    from bsngraph.costs import Budget, BudgetRequest, Budgets, Cheapest, Cost, Sources
    from bsngraph.data import Dataset
    from bsngraph.measure import CostOptions
    from bsngraph.profile import FabricProfile


@click.command(cls=GroupedCommand)
@moved_option("--certificate", "bsngraph verify RUN")
@moved_option("--costs", "bsngraph explain RUN, or bsngraph costs for the list")
@click.argument("fabric", type=FILE)
@data_options
@task_option
@budget_option
@set_option
@ops_option
@format_option
@latencies_option
@setting_options(CostSettings)
@device_option
@threads_option
@click.pass_context
def command(
    context: click.Context,
    /,
    fabric: Path,
    budgets: tuple[str, ...],
    latencies: Path | None,
    parameters: tuple[str, ...],
    form: str,
    device: str,
    threads: int | None,
    **more: Any,
) -> None:
    """Validate FABRIC; print its nodes, edges, costs and cheapest sub-network, and
    whether budgets can be met and --data fit.

    Every problem of the file is reported at once, with its place and its cure. Exits
    with 1 if a --budget cannot be met, with 2 if the fabric does not fit the data.

    \b
    Example:
      bsngraph check fabrics/digits.dot
      bsngraph check fabrics/digits.dot --budget macs=25%
      bsngraph check fabrics/digits.dot --data digits
    """
    if (fabric / "config.json").exists():
        raise InputError(
            f"{fabric} is a run's folder: check its {fabric / 'architecture.dot'}, count its costs again by "
            "bsngraph verify, or see where its budgets went by bsngraph explain"
        )
    costs = set_by_hand(CostSettings, more)
    from bsngraph.cli.tables.fabric_table import fabric_facts, show_fabric
    from bsngraph.costs import cheapest_each, check_budgets, parse_budget, resolve_budgets
    from bsngraph.measure import CostOptions

    profile = load_profile(fabric, parameters)
    dataset = _fitting(profile, more.pop("task"), more)
    requests = [parse_budget(budget) for budget in budgets]
    sources = _sources(profile, requests, CostOptions(**costs, latencies=latencies), device, threads)
    resolved = resolve_budgets(profile, requests, sources)
    priced = _priced(profile, sources, resolved)
    least = cheapest_each(profile.fabric, priced)
    facts = fabric_facts(profile, priced, least)
    facts["budgets"] = [_budget_facts(budget, least[budget.cost.name]) for budget in resolved]
    facts |= {} if dataset is None else {"data": _data_facts(dataset)}
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        show_fabric(facts, profile, least["macs"])
        if dataset is not None:
            click.echo("data {name} fit: {task}, input {input}, output {output}".format(**facts["data"]))
    try:
        known = check_budgets(profile.fabric, resolved) if resolved else None
    except InfeasibleBudgetError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(error.exit_code)
    if form == "text":
        for budget in resolved:
            click.echo(f"budget {budget.text} {_verdict(budget, known is not None)}")


def _fitting(profile: FabricProfile, task: str | None, options: dict[str, Any]) -> Dataset | None:
    """The data that are named, for the task that is asked; None without.

    Raises:
        InputError: they cannot be loaded, or the fabric does not fit them.
    """
    dataset = dataset_from(options, task)
    if dataset is None:
        if task is not None:
            raise InputError("--task says what --data are used for: name the data, too")
        return None
    from bsngraph.tasks import check_fits

    check_fits(profile, dataset)
    return dataset


def _data_facts(dataset: Dataset) -> dict[str, str]:
    """What fits: the task, and the shapes of an example and of what is said of it."""
    from bsngraph.tasks import TASKS
    from bsngraph.wording import shape_text

    shape = dataset.input_shape
    output = TASKS[dataset.task].output_shape(len(dataset.class_names), shape)
    return {
        "name": dataset.name,
        "task": dataset.task,
        "input": shape_text(shape),
        "output": shape_text(output),
    }


def _sources(
    profile: FabricProfile,
    requests: Sequence[BudgetRequest],
    costs: CostOptions,
    device: str,
    threads: int | None,
) -> Sources:
    """Where costs come from; latencies are measured if a budget asks for them."""
    from bsngraph.cli.display import PlainDisplay
    from bsngraph.measure import find_hardware
    from bsngraph.measure.pricing import find_sources

    return find_sources(profile, requests, costs, find_hardware(device, threads), PlainDisplay())[0]


def _priced(profile: FabricProfile, sources: Sources, budgets: Budgets) -> list[Cost]:
    """Every cost that has a value here."""
    from bsngraph.costs import complete_costs

    every = (*complete_costs(profile), *sources.own.values(), *(budget.cost for budget in budgets))
    return list({cost.name: cost for cost in every}.values())


def _budget_facts(budget: Budget, least: Cheapest) -> dict[str, Any]:
    return {
        "cost": budget.cost.name,
        "limit": budget.limit,
        "satisfiable": _satisfiable(budget, least),
        **_lower_end(budget, least),
    }


def _lower_end(budget: Budget, least: Cheapest) -> dict[str, Any]:
    """The lower end of a range, judged as its upper one is."""
    if budget.least is None:
        return {}
    return {"least": budget.least, "least_satisfiable": _satisfiable(budget.at(budget.least), least)}


def _satisfiable(budget: Budget, least: Cheapest) -> bool | None:
    """Whether a budget can be met; None if that is not known."""
    if not budget.hard or budget.met(least.value):
        return True
    return False if least.proved else None


def _verdict(budget: Budget, known: bool) -> str:
    if not budget.hard:
        return "is a soft budget: the search comes as close as it can"
    if budget.slack:
        return "is slack: the whole fabric is inside it"
    ends = "" if budget.least is None else ", at its lower end as well"
    return (
        f"can be met{ends}"
        if known
        else "may or may not be met: no sub-network inside all budgets was found, and none is proved "
        "impossible"
    )
