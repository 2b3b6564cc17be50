"""What commands that write runs print in the end: the network that was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from bsngraph.cli.live.going_on import next_commands
from bsngraph.cli.tables.printing import plain_console, share
from bsngraph.wording import quantity

if TYPE_CHECKING:
    from bsngraph.searching import Result


def show_result(result: Result, form: str, *, hints: bool = True) -> None:
    """What a run found: result.json's content, or a short table (`form` is json or
    text), and with `hints` the commands that go on from it.
    """
    summary = result.summary
    if form == "json":
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    from bsngraph.tasks import TASKS

    edges, headline = summary["edges"], TASKS[summary["task"]].headline
    test, validation = (summary["metrics"][split][headline.name] for split in ("test", "validation"))
    console = plain_console()
    score = f"test {headline.shown(test)}, validation {headline.value(validation)}"
    kept = f"; {edges['kept']} of {edges['searchable']} searchable edges kept ({summary['seconds']:.0f} s)"
    console.print(Text.assemble("\n", (score, "bold"), kept))
    budgets = {budget["cost"]: budget for budget in summary["budgets"]}
    table = Table("cost", "this network", "whole fabric", "share", "budget", "")
    for name, cost in summary["costs"].items():
        budget = budgets.get(name)
        limit = [quantity(budget["limit"]), _verdict(budget)] if budget else ["", ""]
        table.add_row(
            _with_unit(name, cost["unit"]),
            quantity(cost["value"]),
            quantity(cost["fabric"]),
            share(cost["value"], cost["fabric"]),
            *limit,
        )
    console.print(table)
    for name, cost in summary["costs"].items():
        if cost.get("spread") is not None:
            console.print(_elsewhere(name, cost), soft_wrap=True)
    for note in summary["notes"]:
        console.print(f"note: {note}", soft_wrap=True)
    folder = result.run.path
    if result.run.file("architecture.svg").exists():
        console.print(
            f"pictures: {folder / 'architecture.svg'}, {folder / 'architecture.png'}", soft_wrap=True
        )
    console.print(f"network:  {folder / 'architecture.dot'}, {folder / 'model.safetensors'}", soft_wrap=True)
    if hints:
        commands = next_commands(folder, result.run.read_config(), summary)
        console.print("\n  ".join(["next:", *commands]), soft_wrap=True)


def _elsewhere(name: str, cost: Mapping[str, Any]) -> str:
    """What the latency of a device is that is not here."""
    from bsngraph.runs.rows.latencies import Conditions

    there = Conditions(**cost["conditions"]).told()
    return (
        f"{name}: on {there}, not measured: the calibrated sum of edges, {quantity(cost['estimated'])} "
        f"{cost['unit']}, and {100 * cost['spread']:.1f} % of it"
    )


def _verdict(budget: Mapping[str, Any]) -> str:
    if budget["met"]:
        return "met"
    return "nearest" if budget["relation"] == "~=" else "NOT met"


def _with_unit(name: str, unit: str) -> str:
    return name if not unit or unit.lower() == name else f"{name} ({unit})"
