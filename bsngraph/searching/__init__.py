"""Searching: edge probabilities and weights learned together, the choice of the architecture, run folders."""

from bsngraph.searching.delivery import Result
from bsngraph.searching.oracle import Oracle, ask_oracle
from bsngraph.searching.presets import PRESETS, resolve_settings
from bsngraph.searching.runs import prune_run, search, train
from bsngraph.searching.settings import SearchSettings

__all__ = [
    "PRESETS",
    "Oracle",
    "Result",
    "SearchSettings",
    "ask_oracle",
    "prune_run",
    "resolve_settings",
    "search",
    "train",
]
