"""What is chosen is inside every budget, and what is called impossible is impossible,
whatever the fabric, the budgets, Γ and the weights are.

A small version of the first runs every time in test_feasible.py.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.costs.promise import outcomes
from benchmarks.costs.promise.outcomes import SMALL, SMALL_WALKED, trial


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_delivered_outside_a_budget_and_nothing_possible_is_called_impossible(seed: int) -> None:
    assert trial((seed, 0)).broken == []


def test_what_is_delivered_outside_a_budget_breaks_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = trial((0, 2))
    assert {where: kept.label(where) for where in kept.outcomes} == dict.fromkeys(
        (SMALL, SMALL_WALKED), "delivered inside"
    )
    assert kept.broken == []
    monkeypatch.setattr(outcomes, "recounted", lambda net, name: math.inf)
    broken = trial((0, 2)).broken
    assert len(broken) == 2
    assert all("delivered, " in text and "costs inf" in text for text in broken)


def test_what_is_wrongly_called_impossible_breaks_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = trial((0, 7))
    assert {kept.label(where) for where in kept.outcomes} == {"proved impossible"}
    assert kept.broken == []
    monkeypatch.setattr(outcomes.Reference, "finds", lambda self, seed: True)
    assert trial((0, 7)).broken == [
        f"{where}: impossible, though there is one" for where in (SMALL, SMALL_WALKED)
    ]
