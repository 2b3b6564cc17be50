"""`bsngraph diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import graph_file, keep_inputs, load_profile
from bsngraph.cli.shared_options import FILE, format_option

if TYPE_CHECKING:
    from bsngraph.fabric.difference import Changed, FabricDifference
    from bsngraph.fabric.model import Edge, Fabric, Node

CostsByEdge = dict[str, dict[str, float]]


@click.command(cls=GroupedCommand)
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@option("-o", "--output", type=FILE, help="Draw the difference to this file: .svg, .png or .dot.")
@option(
    "--costs/--no-costs",
    default=True,
    show_default=True,
    help="Compare MACs and parameters; without, torch is not loaded.",
)
@format_option
def command(a: Path, b: Path, output: Path | None, costs: bool, form: str) -> None:
    """Say what changed from fabric A to fabric B: edges, operations, nodes, costs.

    A and B are graph files of any format, or run folders, which stand for the
    architecture that the run found. Edges are matched by name, SOURCE->TARGET#KEY. With
    -o the two are drawn as one picture.

    \b
    Example:
      bsngraph diff fabrics/digits.dot runs/first
      bsngraph diff runs/first runs/smaller -o difference.svg
    """
    from bsngraph.draw import check_drawable
    from bsngraph.fabric.difference import difference

    if output is not None:
        check_drawable(output)
        keep_inputs(output, a, b)
    fabrics, totals = _load(a, b, costs)
    found = difference(*fabrics)
    if form == "json":
        click.echo(json.dumps(_facts(found, totals), indent=2, ensure_ascii=False))
    else:
        _show(found, totals)
    if output is not None:
        _draw(fabrics, found, (a, b), totals, output)
        if form == "text":
            click.echo(str(output))


def _load(a: Path, b: Path, costs: bool) -> tuple[tuple[Fabric, Fabric], CostsByEdge]:
    """Both fabrics and their total costs."""
    from bsngraph.fabric import read_fabric

    files = [graph_file(path) for path in (a, b)]
    if not costs:
        return (read_fabric(files[0]), read_fabric(files[1])), {}
    profiles = [load_profile(file, ()) for file in files]
    totals = [
        {"macs": float(profile.macs.sum()), "params": float(profile.params.sum())} for profile in profiles
    ]
    fabrics = profiles[0].annotated(), profiles[1].annotated()
    return fabrics, {name: {"a": totals[0][name], "b": totals[1][name]} for name in totals[0]}


def _facts(found: FabricDifference, costs: CostsByEdge) -> dict[str, Any]:
    """What `--format json` prints."""

    def changes(changed: tuple[Changed, ...]) -> list[dict[str, Any]]:
        return [{"name": one.name, "changes": [asdict(change) for change in one.changes]} for one in changed]

    def edges(some: tuple[Edge, ...]) -> list[dict[str, Any]]:
        return [
            {"name": edge.name, "op": edge.op, "arguments": dict(edge.arguments), "fixed": edge.fixed}
            for edge in some
        ]

    def nodes(some: tuple[Node, ...]) -> list[dict[str, Any]]:
        return [{"name": node.name, "merge": node.merge, "activation": node.activation} for node in some]

    return {
        "same": found.empty,
        "edges": {
            "only_a": edges(found.only_a),
            "only_b": edges(found.only_b),
            "changed": changes(found.changed),
        },
        "nodes": {
            "only_a": nodes(found.nodes_only_a),
            "only_b": nodes(found.nodes_only_b),
            "changed": changes(found.nodes_changed),
        },
        "sources": {"a": list(found.sources[0]), "b": list(found.sources[1])},
        "targets": {"a": list(found.targets[0]), "b": list(found.targets[1])},
        "costs": costs,
    }


def _show(found: FabricDifference, costs: CostsByEdge) -> None:
    """The same for people: - only in A, + only in B, ~ changed."""
    from bsngraph.draw.palette import long_label
    from bsngraph.wording import quantity

    if found.empty:
        click.echo("no difference")
    for word, (before, after) in (("sources", found.sources), ("targets", found.targets)):
        if before != after:
            click.echo(f"~ {word}: {', '.join(before)} → {', '.join(after)}")
    for sign, nodes in (("-", found.nodes_only_a), ("+", found.nodes_only_b)):
        for node in nodes:
            click.secho(f"{sign} node {node.name}", fg="red" if sign == "-" else "green")
    for sign, edges in (("-", found.only_a), ("+", found.only_b)):
        for edge in edges:
            click.secho(f"{sign} edge {edge.name}: {long_label(edge)}", fg="red" if sign == "-" else "green")
    for kind, changed in (("node", found.nodes_changed), ("edge", found.changed)):
        for one in changed:
            if not one.decided:
                click.secho(f"~ {kind} {one.name}: {_changes(one)}", fg="yellow")
    for fixed, text in ((True, "searchable in A and fixed in B"), (False, "fixed in A and searchable in B")):
        count = sum(
            one.decided and any(change.what == "fixed" and change.after == fixed for change in one.changes)
            for one in found.changed
        )
        if count:
            click.echo(f"~ {count} edge{'s' if count > 1 else ''} {text}, else the same")
    if not found.empty:
        counts = (
            f"{len(found.only_b)} added, {len(found.only_a)} removed, "
            f"{sum(not one.decided for one in found.changed)} changed"
        )
        click.echo(f"edges: {counts}")
    for name, total in costs.items():
        ratio = f" ({100 * total['b'] / total['a']:.1f} %)" if total["a"] and total["a"] != total["b"] else ""
        click.echo(f"{name}: {quantity(total['a'])} → {quantity(total['b'])}{ratio}")


def _changes(one: Changed) -> str:
    from bsngraph.draw.difference_drawing import spoken

    return ", ".join(
        f"{change.what} {spoken(change.before)} → {spoken(change.after)}" for change in one.changes
    )


def _draw(
    fabrics: tuple[Fabric, Fabric],
    found: FabricDifference,
    paths: tuple[Path, Path],
    costs: CostsByEdge,
    output: Path,
) -> None:
    from bsngraph.draw import render_dot
    from bsngraph.draw.difference_drawing import difference_drawing
    from bsngraph.wording import quantity

    names = [path.name or str(path) for path in paths]
    if names[0] == names[1]:
        names = [str(path) for path in paths]
    caption = [f"from {names[0]} to {names[1]}" + ("" if not found.empty else ": no difference")]
    if costs:
        caption.append(
            ", ".join(
                f"{name} {quantity(total['a'])} → {quantity(total['b'])}" for name, total in costs.items()
            )
        )
    render_dot(difference_drawing(*fabrics, caption=caption), output)
