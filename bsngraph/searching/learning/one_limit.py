"""What the search of a range learned, for one limit of that range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bsngraph.errors import InputError
from bsngraph.runs.checkpoint import OptimizerState, check_tensors
from bsngraph.runs.rows.config import AskedBudget
from bsngraph.searching.learning.gamma.budget_gamma import HATS, Hats
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.typed_files import CURE


def state_at_limit(
    state: LearningState, asked: Sequence[AskedBudget], limits: Mapping[str, float], edges: int, file: Path
) -> LearningState:
    """The state of `file` with one vector of logits (edges,), which a search of a
    single limit can go on from.

    `asked` are the budgets of the search that left the state. If one is a range, the
    logits are Γ(b) at the limit that `limits` has for its cost, or at its upper end;
    Γ's optimizer and λ begin anew. The state of another search stays as it is.

    Raises:
        InputError: the logits are not those of such a search.
    """
    ranged = next((each for each in asked if each.least is not None), None)
    if ranged is None:
        return state
    assert ranged.least is not None
    if ranged.least >= ranged.limit:
        raise InputError(f"{file}: the run's range {ranged.text!r} ends below its beginning: {CURE}")
    expected = torch.zeros(HATS, edges, dtype=torch.float64)
    check_tensors({"logits": expected}, {"logits": state.logits}, file)
    limit = limits.get(ranged.cost, ranged.limit)
    mix = Hats(ranged.least, ranged.limit).at(np.array([limit]))
    return replace(
        state,
        logits=(mix @ state.logits)[0],
        edge_optimizer=OptimizerState(state={}, param_groups=state.edge_optimizer.param_groups),
        multipliers={},
    )
