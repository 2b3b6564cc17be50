"""What is chosen is inside every budget, and what is called impossible is impossible,
whatever the fabric, the budgets, Γ and the weights are.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.costs.promise.outcomes import LARGE, SMALL, SMALL_WALKED, trial


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_delivered_outside_a_budget_and_nothing_possible_is_called_impossible(seed: int) -> None:
    assert trial((seed, 0)).broken == []


def test_the_promise_is_tried_on_small_and_large_fabrics_and_holds_on_a_few() -> None:
    few = [trial((0, number)) for number in range(6)]
    assert [found.broken for found in few] == [[]] * 6
    assert {where for found in few for where in found.outcomes} == {SMALL, SMALL_WALKED, LARGE}
