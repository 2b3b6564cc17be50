"""Searching: edge probabilities and weights learned together, the choice of the
architecture, run folders.
"""

from bsngraph.searching.choosing.oracle import Oracle, ask_oracle
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.edge_search import EdgeSearch
from bsngraph.searching.pruning import prune_run
from bsngraph.searching.search import search
from bsngraph.searching.train_alone import train

__all__ = [
    "EdgeSearch",
    "Oracle",
    "Result",
    "ask_oracle",
    "prune_run",
    "search",
    "train",
]
