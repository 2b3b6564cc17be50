"""Ways to search whose regret is known: a new one is a row of `VARIANTS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bsngraph
from benchmarks.accuracy.truth.tried import (
    Change,
    annealed_entropy,
    control_variate,
    few_samples,
    nothing,
    sandwich,
)


@dataclass(frozen=True)
class Variant:
    """A way to search: changes to the defaults, or to those of a preset; whether it
    starts from the search of the other budget; what is patched.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    warm: bool = False
    change: Change = nothing


VARIANTS: Mapping[str, Variant] = {
    "default": Variant(),
    "8 finalists": Variant(settings={"finalists": 8}),
    "no finalists": Variant(settings={"finalists": 0}),
    "no finalists, batch-mean baseline": Variant(settings={"finalists": 0, "baseline": "batch-mean"}),
    "no finalists, the limit stands at once": Variant(
        settings={"finalists": 0, "settle": bsngraph.SearchSettings.burn_in}
    ),
    "no finalists, control variate": Variant(settings={"finalists": 0}, change=control_variate),
    "no finalists, annealed entropy": Variant(settings={"finalists": 0}, change=annealed_entropy),
    "no finalists, eight samples a batch": Variant(settings={"finalists": 0}, change=few_samples),
    "no finalists, sandwich": Variant(settings={"finalists": 0}, change=sandwich),
    "warm start from the other budget": Variant(recipe={"epochs": 8, "learning_rate": 0.05}, warm=True),
    "preset paper": Variant(preset="paper", recipe={"drops": (0.5, 0.75)}),
}

# Ways that the package does not have any more. Their rows are kept.
PAST = (
    "12 finalists picked in advance, half of them explorers",
    "8 finalists picked in advance",
    "8 finalists picked in advance, no fair samples",
    "12 finalists picked in advance, warm start",
)
