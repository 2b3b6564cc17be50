"""What is planned, and what an epoch's row of metrics.jsonl says, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bsngraph.cli.live.pace import Pace
from bsngraph.wording import printable, quantity

TITLES = {
    "search": "learning",
    "finalists": "finalists",
    "finetune": "fine-tuning",
    "training": "training",
}
"""Stages as people read them, by their names in metrics.jsonl."""


def planned_text(pace: Pace) -> str:
    """`planned: 60 epochs of learning, 96 of finalists, 30 of fine-tuning; …`."""
    first, *others = (f"{stage.epochs} {{}}of {TITLES.get(stage.name, stage.name)}" for stage in pace.stages)
    stages = ", ".join([first.format("epochs "), *(other.format("") for other in others)])
    return f"planned: {stages}; the time of all is known after the first epoch"


@dataclass(frozen=True)
class CostReading:
    """What the samples of Γ cost on average, and the limit in force if there is one."""

    name: str
    value: float
    limit: float | None

    def shown(self) -> str:
        """`macs 1.02 M (limit now 489 k)`."""
        limit = "" if self.limit is None else f" (limit now {quantity(self.limit)})"
        return f"{self.name} {quantity(self.value)}{limit}"


def measures(row: Mapping[str, Any]) -> str:
    """An epoch's measures in a line: `loss 0.412  accuracy 88.1 %  macs 1.02 M (limit
    now 489 k)  entropy 0.21`.
    """
    costs = (each.shown() for each in cost_readings(row))
    return "  ".join([*qualities(row), *costs, *remarks_on_gamma(row)])


def qualities(row: Mapping[str, Any]) -> list[str]:
    """The loss, and the metric that its task shows, on validation data."""
    from bsngraph.tasks import TASKS

    headlines = {task.headline.name: task.headline for task in TASKS.values()}
    metrics = [
        metric.shown(row[name], 1)
        for metric in headlines.values()
        if (name := f"validation_{metric.name}") in row
    ]
    return [f"loss {row['train_loss']:.3f}", *metrics]


def cost_readings(row: Mapping[str, Any]) -> Iterator[CostReading]:
    """Each cost with a limit; without budgets the first cost."""
    limits = row.get("limits", {})
    for name in limits or list(row.get("costs", {}))[:1]:
        yield CostReading(printable(name), row["costs"][name]["sampled"], limits.get(name))


def remarks_on_gamma(row: Mapping[str, Any]) -> list[str]:
    """Whether a sub-network inside the budgets is known, and the entropy of Γ."""
    unmet = row.get("limits") and "incumbent" in row and row["incumbent"] is None
    entropy = [f"entropy {row['entropy']:.2f}"] if "entropy" in row else []
    return [*(["none feasible yet"] if unmet else []), *entropy]
