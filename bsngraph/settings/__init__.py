"""Every setting of a training, a search and its costs. Nothing here imports torch."""

from bsngraph.settings.cost_settings import CostSettings
from bsngraph.settings.presets import PRESETS, RANGE, SEARCH, WARM_START, resolve_recipe, resolve_settings
from bsngraph.settings.recipe import (
    FASTEST_ADAMW,
    ClassWeights,
    Precision,
    Recipe,
    WeightOptimizer,
    as_dict,
)
from bsngraph.settings.search_settings import Baseline, EdgeOptimizer, PenaltyForm, SearchSettings
from bsngraph.settings.setting import Group, Setting, SettingRow, setting_rows

__all__ = [
    "FASTEST_ADAMW",
    "PRESETS",
    "RANGE",
    "SEARCH",
    "WARM_START",
    "Baseline",
    "ClassWeights",
    "CostSettings",
    "EdgeOptimizer",
    "Group",
    "PenaltyForm",
    "Precision",
    "Recipe",
    "SearchSettings",
    "Setting",
    "SettingRow",
    "WeightOptimizer",
    "as_dict",
    "resolve_recipe",
    "resolve_settings",
    "setting_rows",
]
