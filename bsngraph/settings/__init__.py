"""Every setting of a training and of a search, with its default. Nothing here imports
torch.
"""

from bsngraph.settings.presets import PRESETS, resolve_settings
from bsngraph.settings.recipe import ClassWeights, Precision, Recipe, as_dict
from bsngraph.settings.search_settings import Baseline, EdgeOptimizer, PenaltyForm, SearchSettings

__all__ = [
    "PRESETS",
    "Baseline",
    "ClassWeights",
    "EdgeOptimizer",
    "PenaltyForm",
    "Precision",
    "Recipe",
    "SearchSettings",
    "as_dict",
    "resolve_settings",
]
