"""Searching: edge probabilities and weights learned together, the choice of the architecture, run folders."""

from bsngraph.searching.delivery import Result
from bsngraph.searching.oracle import Oracle, ask_oracle
from bsngraph.searching.prediction import Prediction, predict
from bsngraph.searching.presets import PRESETS, resolve_settings
from bsngraph.searching.pricing import CostOptions
from bsngraph.searching.runs import Evaluation, evaluate_run, load_net, prune_run, search, train
from bsngraph.searching.settings import SearchSettings
from bsngraph.searching.spent import spending_of_run

__all__ = [
    "PRESETS",
    "CostOptions",
    "Evaluation",
    "Oracle",
    "Prediction",
    "Result",
    "SearchSettings",
    "ask_oracle",
    "evaluate_run",
    "load_net",
    "predict",
    "prune_run",
    "resolve_settings",
    "search",
    "spending_of_run",
    "train",
]
