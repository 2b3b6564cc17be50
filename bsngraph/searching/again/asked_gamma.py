"""The Γ of a finished search, for other budgets than those that it was learned under.

In: the state that the search left. Out: the same state with logits of the shape that
the budgets now asked for have. Γ(b) of a range is taken at the limit that is asked.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Costs
from bsngraph.runs.checkpoint import check_tensors
from bsngraph.runs.rows.config import AskedBudget, SearchConfig
from bsngraph.searching.learning.gamma.budget_gamma import HATS, Hats
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job


def with_asked_gamma(
    job: Job, learned: Learning, state: LearningState, config: SearchConfig, file: Path
) -> LearningState:
    """`state` with logits as `learned`, which is of the job's budgets, holds them.

    Raises:
        InputError: the logits that `file` held are not of the fabric.
    """
    ranged = next((budget for budget in config.budgets if budget.least is not None), None)
    expected = torch.zeros(*(() if ranged is None else (HATS,)), len(job.fabric.edges), dtype=torch.float64)
    check_tensors({"logits": expected}, {"logits": state.logits}, file)
    asked = learned.gamma.logits
    if ranged is None and asked.dim() == 1:
        return state
    logits = state.logits if ranged is None else _mixed(job, ranged, state.logits)
    logits = logits.expand(len(asked), -1) if asked.dim() == 2 else logits[0]
    return replace(state, logits=logits.clone(), edge_optimizer=learned.state().edge_optimizer)


def _mixed(job: Job, ranged: AskedBudget, logits: Tensor) -> Tensor:
    """Logits (hats, edges) of the range that was searched, at the limits asked now."""
    assert ranged.least is not None
    return Hats(ranged.least, ranged.limit).at(_asked_limits(job, ranged)) @ logits


def _asked_limits(job: Job, ranged: AskedBudget) -> Costs:
    """The limits that are asked now on the cost that was ranged: one, or of a range
    those that Γ(b) holds logits for. Without a budget on it, the largest one searched.
    """
    budget = job.budgets.on(ranged.cost)
    if budget is None:
        return np.array([ranged.limit])
    if budget.least is None:
        return np.array([budget.limit])
    limits: Costs = budget.least * (budget.limit / budget.least) ** np.linspace(0.0, 1.0, HATS)
    return limits
