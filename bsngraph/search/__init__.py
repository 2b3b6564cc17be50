"""Searching: edge probabilities and weights learned together, the choice of the architecture, run folders."""

from bsngraph.search.delivery import Result
from bsngraph.search.progress import Progress, Silent
from bsngraph.search.run_folder import RunFolder
from bsngraph.search.search import Evaluation, evaluate_run, load_net, prune_run, search, train
from bsngraph.search.settings import Recipe, SearchSettings

__all__ = [
    "Evaluation",
    "Progress",
    "Recipe",
    "Result",
    "RunFolder",
    "SearchSettings",
    "Silent",
    "evaluate_run",
    "load_net",
    "prune_run",
    "search",
    "train",
]
