"""Named changes to `Recipe` and `SearchSettings`: one table. What is set by hand goes
before a preset, a preset before the defaults.

`paper` is the algorithm as Veniat and Denoyer published it (arXiv 1706.00046, CVPR
2018). What is known from where:

- the paper: one sample for each example, batch-mean baseline, λ·max(0, C − B) with a
  fixed λ, Γ from sigmoid(3), first a burn-in, a learning rate divided by 10 late, one
  of its own for Γ, 5,000 of CIFAR's training images for validation (as our loader takes
  them);
- the defaults of its authors' first implementation (github.com/TomVeniat/bsn): 300
  epochs of batches of 64; SGD with momentum 0.9, not Nesterov's, weight decay 1e-4,
  rate 0.1, divided by 10 after epochs 150 and 225; Γ by plain SGD at a constant rate,
  1e-3 on the sum over a batch of 64, which is 0.064 on the mean that we take; λ = 1e-7
  for each unit of cost (there: operations) over the limit, so costs of another size
  need a `--penalty`; the network is Γ > ½ with the weights that were learned, not
  trained further;
- assumed, since neither says it: burn-in takes a fifth of the epochs.

Three things stay ours, since a run's promise hangs on them: where Γ > ½ is over a
budget, the likeliest choice inside is delivered, or the best one that the search met,
whichever has the smaller validation loss; only live edges cost; and BatchNorm
statistics are taken anew for the network that is delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bsngraph.errors import InputError, nearest
from bsngraph.settings.recipe import ADAMW_SHARE, Recipe
from bsngraph.settings.search_settings import SearchSettings


@dataclass(frozen=True)
class Preset:
    """Fields of `Recipe` and `SearchSettings` with other values than their defaults;
    `meaning` follows the preset's name in help.
    """

    meaning: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


SEARCH = Preset("what is usual for a search", recipe={"epochs": 20})
"""What is usual for a search: weights and Γ learn briefly, since trainings of finalists
tell networks apart better for the same time (benchmarks/RESULTS.md).
"""

WARM_START = Preset(
    "what is usual after a warm start",
    recipe={"epochs": 12, "learning_rate": 0.05},
    settings={"burn_in": 0.0, "settle": 0.5, "reopen": 0.9},
)
"""What is usual after a warm start: the weights need no burn-in, and dropped edges must
be able to come back.
"""

RANGE = Preset(
    "what is usual for a budget that is a range", recipe={"epochs": 60}, settings={"finalists": 20}
)
"""What is usual for a range: Γ learns for many limits, and the trainings serve them."""

PRESETS: Mapping[str, Preset] = {
    "paper": Preset(
        "the algorithm as it was published (300 epochs, λ·max(0, C-B), Γ by SGD …)",
        recipe={
            "epochs": 300,
            "batch_size": 64,
            "learning_rate": 0.1,
            "momentum": 0.9,
            "nesterov": False,
            "weight_decay": 1e-4,
            "drops": (0.5, 0.75),
            "clip": float("inf"),
        },
        settings={
            "burn_in": 0.2,
            "settle": 0.2,
            "aim": 1.0,
            "penalty": 1e-7,
            "adapt_penalty": False,
            "penalty_form": "absolute",
            "baseline": "batch-mean",
            "edge_optimizer": "sgd",
            "edge_learning_rate": 0.064,
            "initial_probability": 0.9526,
            "fair_share": 0.0,
            "finalists": 0,
            "candidates": 0,
            "neighbour_rounds": 0,
            "finetune_epochs": 0,
        },
    ),
}


def resolve_settings(
    preset: str | None,
    *,
    warm: bool = False,
    ranged: bool = False,
    recipe: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Recipe, SearchSettings]:
    """The settings of a search: `recipe` and `settings` (fields set by hand) over the
    preset's over the defaults.

    Without a preset, a search has the changes of `SEARCH` between. Those of `RANGE` go
    over them if its budget is `ranged`, and those of `WARM_START` after a `warm` start.

    A preset without lowering, settle = burn_in, keeps them equal where only burn_in is
    set by hand. With AdamW set by hand, the rates of the weights that are not are
    `ADAMW_SHARE` of the usual ones.

    Raises:
        InputError: there is no such preset, or a value that no search takes.
    """
    if preset is not None and preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}: {nearest(preset, PRESETS)}")
    usual = [SEARCH, *([RANGE] if ranged else []), *([WARM_START] if warm else [])]
    chosen = PRESETS[preset] if preset is not None else _together(usual)
    asked, by_hand = dict(recipe or {}), dict(settings or {})
    if asked.get("optimizer") == "adamw":
        usual_rate = chosen.settings.get("finetune_rate", SearchSettings.finetune_rate)
        by_hand.setdefault("finetune_rate", ADAMW_SHARE * usual_rate)
    if "burn_in" in by_hand and chosen.settings.get("settle", 0) == chosen.settings.get("burn_in", 1):
        by_hand.setdefault("settle", by_hand["burn_in"])
    return resolve_recipe(asked, chosen), SearchSettings(**{**chosen.settings, **by_hand})


def resolve_recipe(by_hand: Mapping[str, Any], usual: Preset | None = None) -> Recipe:
    """The recipe of a training, or of a search with what is usual there.

    With AdamW set by hand, the rate of the weights that is not is `ADAMW_SHARE` of the
    usual one.

    Raises:
        InputError: a value that no training takes.
    """
    fields = {**({} if usual is None else usual.recipe), **by_hand}
    if by_hand.get("optimizer") == "adamw" and "learning_rate" not in by_hand:
        fields["learning_rate"] = ADAMW_SHARE * fields.get("learning_rate", Recipe.learning_rate)
    return Recipe(**fields)


def _together(presets: Iterable[Preset]) -> Preset:
    """The changes of all of them; later ones go before earlier ones."""
    recipe, settings = dict[str, Any](), dict[str, Any]()
    for each in presets:
        recipe |= each.recipe
        settings |= each.settings
    return Preset("the defaults, and what is usual here", recipe, settings)
