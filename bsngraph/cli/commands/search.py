"""`bsngraph search`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from bsngraph.cli import options
from bsngraph.errors import InputError


@click.command()
@click.argument("fabric", type=options.FILE)
@options.data_options
@options.task_option
@options.budget_option
@options.cost_options
@options.out_options
@click.option("--seed", type=int, default=0, show_default=True, help="Everything random follows from it.")
@options.set_option
@options.ops_option
@options.recipe_options
@click.option(
    "--preset",
    type=click.Choice(["paper"]),
    help="Start from other settings than the defaults: paper is the algorithm as it was published (300 "
    "epochs, λ·max(0, C-B), Γ by SGD …). "
    "Options given besides go before it.",
)
@click.option(
    "--warm-start",
    metavar="RUN",
    type=options.FILE,
    help="Start from the weights and Γ of another search of this fabric; usual are then 24 epochs at rate "
    "0.05 "
    "without burn-in, and dropped edges come back at 0.9.",
)
@click.option(
    "--burn-in", type=float, help="Share of the epochs in which only the weights learn. [default: 0.2]"
)
@click.option(
    "--settle",
    type=float,
    help="Share of the epochs after which budgets are no longer lowered. [default: 0.6]",
)
@click.option("--aim", type=float, help="Share of a budget at which they then stand. [default: 0.95]")
@click.option(
    "--penalty",
    metavar="auto|auto:START|NUMBER",
    help="λ, the price of exceeding a budget: adapted until the expected cost is at its budget (from "
    "START, 1 if not said), or fixed. "
    "[default: auto]",
)
@click.option(
    "--penalty-form",
    type=click.Choice(["relative", "absolute", "absolute-distance"]),
    help="λ·max(0, C/B-1), or the paper's λ·max(0, C-B) and λ·|C-B|. [default: relative]",
)
@click.option(
    "--baseline",
    type=click.Choice(["leave-one-out", "batch-mean"]),
    help="What the policy gradient compares with: the others' mean, or the paper's batch mean. [default: "
    "leave-one-out]",
)
@click.option(
    "--edge-optimizer", type=click.Choice(["adam", "sgd"]), help="What moves the logits of Γ. [default: adam]"
)
@click.option("--edge-learning-rate", type=float, help="Its rate, the same in every epoch. [default: 0.05]")
@click.option(
    "--initial-probability",
    type=float,
    help="Where Γ starts, for edges whose file does not say. [default: 0.9526]",
)
@click.option(
    "--fair-share",
    type=float,
    help="Share of each batch that keeps every edge open, for the weights alone. [default: 0.5]",
)
@click.option(
    "--reopen",
    type=float,
    help="What Γ is at least after a warm start, so that dropped edges can come back. [default: 0]",
)
@click.option(
    "--candidates", type=int, help="Samples of Γ compared for the choice of the architecture. [default: 64]"
)
@click.option(
    "--neighbour-rounds",
    type=int,
    help="How often the best one is compared with its neighbours inside the budget. [default: 4]",
)
@click.option(
    "--finalists",
    type=int,
    help="Train so many architectures briefly before one is chosen; none with 0 or 1. [default: 12]",
)
@click.option(
    "--explorer-share",
    type=float,
    help="Share of them drawn from all inside the budget; the rest are the best so far. [default: 0.5]",
)
@click.option(
    "--finalist-epochs", type=int, help="Epochs of training for each of them, from scratch. [default: 8]"
)
@click.option("--finetune-epochs", type=int, help="Epochs of training for the chosen network. [default: 30]")
@click.option("--finetune-rate", type=float, help="The learning rate they start with. [default: 0.02]")
@click.option(
    "--oracle",
    is_flag=True,
    help="Judge every sub-network by the shared weights as well, say what the choice misses (oracle.csv, "
    ".json); up to 14 decisions.",
)
@options.device_option
@options.threads_option
@options.quiet_option
@options.format_option
def command(
    fabric: Path,
    task: str | None,
    budgets: tuple[str, ...],
    out: Path,
    resume: bool,
    overwrite: bool,
    seed: int,
    preset: str | None,
    warm_start: Path | None,
    oracle: bool,
    settings: tuple[str, ...],
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Find the best sub-network of FABRIC inside every budget.

    Learns weights and edge probabilities together, chooses the architecture on
    validation data among sub-networks inside the budgets, fine-tunes it, measures it
    once on test data, and writes everything to the run folder --out. Exits with 1 if no
    sub-network is inside the budgets.

    \b
    Example:
      bsngraph search fabrics/digits.dot --data digits --budget macs=25% \\
        --out runs/first --seed 0
      bsngraph search fabrics/digits.dot --data digits --budget latency=2ms \\
        --budget params=40k --out runs/fast
      bsngraph search fabrics/digits.dot --data digits --budget macs=15% \\
        --warm-start runs/first --out runs/smaller
    """
    mode = options.open_mode(resume, overwrite)
    by_hand, costs = options.recipe_given(more), options.costs_from(more)
    from bsngraph.cli.display import progress_display, show_result
    from bsngraph.searching import search
    from bsngraph.settings import SearchSettings, resolve_settings

    given = {
        field.name: more[field.name] for field in fields(SearchSettings) if more.get(field.name) is not None
    }
    recipe, chosen = resolve_settings(
        preset, warm=warm_start is not None, recipe=by_hand, settings=given | _penalty(more["penalty"])
    )
    result = search(
        options.load_profile(fabric, settings),
        options.needed_data_from(more),
        budgets,
        out=out,
        task=task,
        seed=seed,
        recipe=recipe,
        settings=chosen,
        preset=preset,
        warm_start=warm_start,
        oracle=oracle,
        device=device,
        threads=threads,
        costs=costs,
        mode=mode,
        progress=progress_display(quiet),
    )
    show_result(result, form)


def _penalty(text: str | None) -> dict[str, Any]:
    """The settings that `--penalty` means.

    Raises:
        InputError: it is no number, and not auto.
    """
    if text is None:
        return {}
    if text == "auto":
        return {"adapt_penalty": True, "penalty": 1.0}
    number = text.removeprefix("auto:")
    try:
        return {"penalty": float(number), "adapt_penalty": number != text}
    except ValueError:
        raise InputError(
            f"--penalty {text} is no number: write auto, auto:1 to start from there, or a number to keep, "
            "e.g. 3"
        ) from None
