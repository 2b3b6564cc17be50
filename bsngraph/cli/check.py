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
    from bsngraph.costs import Cheapest, Cost, FabricProfile


@click.command()
@click.argument("fabric", type=options.FILE, required=False)
@options.budget_option
@options.set_option
@options.ops_or_list_option
@options.format_option
@click.option("--certificate", is_flag=True, help="FABRIC is a run's folder: count everything that its certificate says again.")
@click.option("--cost", "own", metavar="NAME=FILE.py:FUNCTION", multiple=True, help="With --certificate: a cost of your own that it holds.")
@click.option("--cost-timeout", type=float, default=10.0, show_default=True, help="Seconds that a call of your own cost may take.")
@click.pass_context
def command(
    context: click.Context,
    fabric: Path | None,
    budgets: tuple[str, ...],
    settings: tuple[str, ...],
    ops: tuple[str, ...],
    form: str,
    certificate: bool,
    own: tuple[str, ...],
    cost_timeout: float,
) -> None:
    """Validate FABRIC; print its nodes, edges, costs and cheapest sub-network, and whether budgets can be met.

    Every problem of the file is reported at once, with its place and its cure. Exits with 1 if a --budget cannot be met.

    \b
    Example:
      bsngraph check fabrics/digits.dot --budget macs=25%
      bsngraph check --ops                                    # all operations, their arguments and sizes
      bsngraph check runs/first --certificate
    """
    if fabric is None:
        if not ops:
            raise click.MissingParameter(param_hint="'FABRIC'", param_type="argument", ctx=context)
        from bsngraph.cli.operations import show_operations

        show_operations(form)
        return
    if "" in ops:
        raise InputError("--ops alone lists all operations, without a FABRIC; with one, name your code: --ops FILE.py")
    if own and not certificate:
        raise InputError("--cost names the code of a certificate's own costs: add --certificate")
    if certificate:
        from bsngraph.cli.certificate import show_certificate

        if budgets or settings:
            raise InputError("--certificate goes by what the certificate says: leave out --budget and --set")
        context.exit(0 if show_certificate(fabric, own, cost_timeout, form) else 1)
    from bsngraph.costs import cheapest_each, check_budgets, complete_costs, parse_budget, resolve_budgets
    from bsngraph.errors import InfeasibleBudgetError

    profile = options.load_profile(fabric, settings)
    resolved = resolve_budgets(profile, [parse_budget(budget) for budget in budgets])
    costs = complete_costs(profile)
    least = cheapest_each(profile.fabric, costs)
    facts = _facts(profile, costs, least)
    facts["budgets"] = [
        {"cost": budget.cost.name, "limit": budget.limit, "satisfiable": budget.met(facts["costs"][budget.cost.name]["cheapest"])}
        for budget in resolved
    ]
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _show(facts, profile, least["macs"])
    try:
        check_budgets(profile.fabric, resolved)
    except InfeasibleBudgetError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(error.exit_code)
    if form == "text":
        for budget in resolved:
            verdict = "is slack: the whole fabric is inside it" if budget.slack else "can be met"
            click.echo(f"budget {budget.text} {verdict}")


def _facts(profile: FabricProfile, costs: Sequence[Cost], least: Mapping[str, Cheapest]) -> dict[str, Any]:
    """What `--format json` prints."""
    from bsngraph.costs import AdditiveCost

    fabric = profile.fabric
    nodes = [{"name": node.name, "shape": list(shape)} for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True)]
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "key": edge.key,
            "op": edge.op,
            "arguments": dict(edge.arguments),
            "fixed": edge.fixed,
            "costs": {cost.name: float(cost.per_edge[index]) for cost in costs if isinstance(cost, AdditiveCost)},
        }
        for index, edge in enumerate(fabric.edges)
    ]
    totals = {
        cost.name: {"unit": cost.unit, "fabric": cost.total, "cheapest": least[cost.name].value, "proved": least[cost.name].proved}
        for cost in costs
    }
    return {"name": fabric.name, "nodes": nodes, "edges": edges, "costs": totals, "uncounted": _uncounted(profile)}


def _uncounted(profile: FabricProfile) -> list[dict[str, Any]]:
    """The torch operators that MACs do not hold, each with the operation and the edges it ran in."""
    places: dict[tuple[str, str], list[str]] = {}
    for edge, operators in zip(profile.fabric.edges, profile.uncounted, strict=True):
        for operator in operators:
            places.setdefault((operator, edge.op), []).append(edge.name)
    return [{"operator": operator, "op": op, "edges": edges} for (operator, op), edges in sorted(places.items())]


def _show(facts: dict[str, Any], profile: FabricProfile, least: Cheapest) -> None:
    """The same for people."""
    from rich.console import Console
    from rich.table import Table

    from bsngraph.cli.display import share
    from bsngraph.draw.palette import long_label
    from bsngraph.draw.text import quantity, shape_text

    fabric = profile.fabric
    console = Console(highlight=False)
    console.print(
        f"[bold]{fabric.name or 'fabric'}[/bold]: {len(fabric.nodes)} nodes, {len(fabric.edges)} edges, {len(fabric.searchable)} searchable"
    )
    nodes = Table("node", "shape", "merge", "activation")
    for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True):
        nodes.add_row(node.name, shape_text(shape), node.merge if node.name not in fabric.sources else "", node.activation)
    console.print(nodes)
    names = [name for name in facts["edges"][0]["costs"] if name not in ("flops", "bytes")]
    edges = Table("edge", "operation", "", *names)
    for edge, row in zip(fabric.edges, facts["edges"], strict=True):
        edges.add_row(edge.name, long_label(edge), "fixed" if edge.fixed else "", *(quantity(row["costs"][name]) for name in names))
    console.print(edges)
    totals = Table("cost", "whole fabric", "cheapest sub-network", "share")
    for name, cost in facts["costs"].items():
        sure = "" if cost["proved"] else " (best found)"
        totals.add_row(name, quantity(cost["fabric"]), quantity(cost["cheapest"]) + sure, share(cost["cheapest"], cost["fabric"]))
    console.print(totals)
    console.print(
        "cheapest by macs: " + ", ".join(fabric.edges[edge].name for edge in least.architecture.live), soft_wrap=True, markup=False
    )
    for gap in facts["uncounted"]:
        text = f"not counted: {gap['operator']} in {gap['op']} on {', '.join(gap['edges'])}: the macs of these edges may be too small"
        console.print(text, soft_wrap=True, markup=False)
