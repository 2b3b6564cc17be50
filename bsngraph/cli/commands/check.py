"""`bsngraph check`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli import options
from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.costs import Budget, BudgetRequest, Budgets, Cheapest, Cost, Sources
    from bsngraph.measure import CostOptions
    from bsngraph.profile import FabricProfile


@click.command()
@click.argument("fabric", type=options.FILE, required=False)
@options.budget_option
@options.set_option
@options.ops_or_list_option
@options.format_option
@click.option(
    "--certificate",
    is_flag=True,
    help="FABRIC is a run's folder: count everything that its certificate says again.",
)
@click.option(
    "--costs",
    is_flag=True,
    help="What each edge of a run spends of its budgets. Without a FABRIC: list all costs.",
)
@options.cost_options
@options.device_option
@options.threads_option
@click.pass_context
def command(
    context: click.Context,
    /,
    fabric: Path | None,
    budgets: tuple[str, ...],
    settings: tuple[str, ...],
    ops: tuple[str, ...],
    form: str,
    certificate: bool,
    costs: bool,
    device: str,
    threads: int | None,
    **more: Any,
) -> None:
    """Validate FABRIC; print its nodes, edges, costs and cheapest sub-network, and
    whether budgets can be met.

    Every problem of the file is reported at once, with its place and its cure. Exits
    with 1 if a --budget cannot be met.

    \b
    Example:
      bsngraph check fabrics/digits.dot --budget macs=25%
      bsngraph check --ops                  # all operations and their arguments
      bsngraph check --costs                # all costs and their units
      bsngraph check runs/first --costs     # where its budgets went
      bsngraph check runs/first --certificate                 # count its costs again
    """
    if fabric is None:
        _show_tables(context, ops=bool(ops), costs=costs, form=form)
        return
    if "" in ops:
        raise InputError(
            "--ops alone lists all operations, without a FABRIC; with one, name your code: --ops FILE.py"
        )
    if fabric.is_dir() and (certificate or costs or (fabric / "config.json").exists()):
        if budgets or settings:
            raise InputError(
                f"{fabric} is a run's folder, which says its budgets and parameters itself: leave out "
                "--budget and --set"
            )
        _check_run(context, fabric, options.costs_from(more), certificate=certificate, costs=costs, form=form)
        return
    if certificate or costs:
        raise InputError(f"{fabric} is no run folder: --certificate and --costs look at a finished run")
    from bsngraph.costs import cheapest_each, check_budgets, parse_budget, resolve_budgets
    from bsngraph.errors import InfeasibleBudgetError

    profile = options.load_profile(fabric, settings)
    requests = [parse_budget(budget) for budget in budgets]
    sources = _sources(profile, requests, options.costs_from(more), device, threads)
    resolved = resolve_budgets(profile, requests, sources)
    priced = _priced(profile, sources, resolved)
    least = cheapest_each(profile.fabric, priced)
    facts = _facts(profile, priced, least)
    facts["budgets"] = [
        {
            "cost": budget.cost.name,
            "limit": budget.limit,
            "satisfiable": _satisfiable(budget, least[budget.cost.name]),
        }
        for budget in resolved
    ]
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _show(facts, profile, least["macs"])
    try:
        known = check_budgets(profile.fabric, resolved)
    except InfeasibleBudgetError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(error.exit_code)
    if form == "text":
        for budget in resolved:
            click.echo(f"budget {budget.text} {_verdict(budget, known is not None)}")


def _show_tables(context: click.Context, *, ops: bool, costs: bool, form: str) -> None:
    """`check --ops` and `check --costs` without a fabric."""
    if costs:
        from bsngraph.cli.tables.costs_table import show_costs

        show_costs(form)
    elif ops:
        from bsngraph.cli.tables.operations_table import show_operations

        show_operations(form)
    else:
        raise click.MissingParameter(param_hint="'FABRIC'", param_type="argument", ctx=context)


def _check_run(
    context: click.Context, run: Path, options: CostOptions, *, certificate: bool, costs: bool, form: str
) -> None:
    """`check RUN --certificate` and `check RUN --costs`."""
    if certificate == costs:
        raise InputError(
            f"{run} is a run's folder: look at its --costs or its --certificate; a fabric is a file"
        )
    if costs:
        from bsngraph.cli.tables.costs_table import show_spending

        show_spending(run, options, form)
    else:
        from bsngraph.cli.tables.certificate_table import show_certificate

        context.exit(0 if show_certificate(run, options.own, options.timeout_s, form) else 1)


def _sources(
    profile: FabricProfile,
    requests: Sequence[BudgetRequest],
    costs: CostOptions,
    device: str,
    threads: int | None,
) -> Sources:
    """Where costs come from; latencies are measured where a budget asks for them."""
    from bsngraph.cli.display import PlainDisplay
    from bsngraph.measure import find_hardware
    from bsngraph.measure.pricing import find_sources

    return find_sources(profile, requests, costs, find_hardware(device, threads), PlainDisplay())[0]


def _priced(profile: FabricProfile, sources: Sources, budgets: Budgets) -> list[Cost]:
    """Every cost that has a value here."""
    from bsngraph.costs import complete_costs

    every = (*complete_costs(profile), *sources.own.values(), *(budget.cost for budget in budgets))
    return list({cost.name: cost for cost in every}.values())


def _satisfiable(budget: Budget, least: Cheapest) -> bool | None:
    """Whether a budget can be met; None where that is not known."""
    if not budget.hard or budget.met(least.value):
        return True
    return False if least.proved else None


def _verdict(budget: Budget, known: bool) -> str:
    if not budget.hard:
        return "is a wish: the search comes as close as it can"
    if budget.slack:
        return "is slack: the whole fabric is inside it"
    return (
        "can be met"
        if known
        else "may or may not be met: no sub-network inside all budgets was found, and none is proved "
        "impossible"
    )


def _facts(profile: FabricProfile, costs: Sequence[Cost], least: Mapping[str, Cheapest]) -> dict[str, Any]:
    """What `--format json` prints."""
    from bsngraph.costs import AdditiveCost

    fabric = profile.fabric
    nodes = [
        {"name": node.name, "shape": list(shape)}
        for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True)
    ]
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "key": edge.key,
            "op": edge.op,
            "arguments": dict(edge.arguments),
            "fixed": edge.fixed,
            "costs": {
                cost.name: float(cost.per_edge[index]) for cost in costs if isinstance(cost, AdditiveCost)
            },
        }
        for index, edge in enumerate(fabric.edges)
    ]
    totals = {
        cost.name: {
            "unit": cost.unit,
            "fabric": cost.total,
            "cheapest": least[cost.name].value,
            "proved": least[cost.name].proved,
        }
        for cost in costs
    }
    return {
        "name": fabric.name,
        "nodes": nodes,
        "edges": edges,
        "costs": totals,
        "uncounted": _uncounted(profile),
    }


def _uncounted(profile: FabricProfile) -> list[dict[str, Any]]:
    """The torch operators that MACs do not hold, each with the operation and the edges
    it ran in.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for edge, operators in zip(profile.fabric.edges, profile.uncounted, strict=True):
        for operator in operators:
            places.setdefault((operator, edge.op), []).append(edge.name)
    return [
        {"operator": operator, "op": op, "edges": edges} for (operator, op), edges in sorted(places.items())
    ]


def _show(facts: dict[str, Any], profile: FabricProfile, least: Cheapest) -> None:
    """The same for people."""
    from rich.console import Console
    from rich.table import Table

    from bsngraph.cli.display import share
    from bsngraph.draw.palette import long_label
    from bsngraph.wording import quantity, shape_text

    fabric = profile.fabric
    console = Console(highlight=False)
    console.print(
        f"[bold]{fabric.name or 'fabric'}[/bold]: {len(fabric.nodes)} nodes, {len(fabric.edges)} edges, "
        f"{len(fabric.searchable)} searchable"
    )
    nodes = Table("node", "shape", "merge", "activation")
    for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True):
        nodes.add_row(
            node.name,
            shape_text(shape),
            node.merge if node.name not in fabric.sources else "",
            node.activation,
        )
    console.print(nodes)
    names = [name for name in facts["edges"][0]["costs"] if name not in ("flops", "bytes")]
    edges = Table("edge", "operation", "", *names)
    for edge, row in zip(fabric.edges, facts["edges"], strict=True):
        edges.add_row(
            edge.name,
            long_label(edge),
            "fixed" if edge.fixed else "",
            *(quantity(row["costs"][name]) for name in names),
        )
    console.print(edges)
    totals = Table("cost", "whole fabric", "cheapest sub-network", "share")
    for name, cost in facts["costs"].items():
        sure = "" if cost["proved"] else " (best found)"
        totals.add_row(
            name,
            quantity(cost["fabric"]),
            quantity(cost["cheapest"]) + sure,
            share(cost["cheapest"], cost["fabric"]),
        )
    console.print(totals)
    console.print(
        "cheapest by macs: " + ", ".join(fabric.edges[edge].name for edge in least.architecture.live),
        soft_wrap=True,
        markup=False,
    )
    for gap in facts["uncounted"]:
        text = (
            f"not counted: {gap['operator']} in {gap['op']} on {', '.join(gap['edges'])}: the macs of "
            "these edges may be too small"
        )
        console.print(text, soft_wrap=True, markup=False)
