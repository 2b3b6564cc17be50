"""Large fabrics and large images: their benchmarks run, and what was made faster gives
what it gave.
"""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from threadpoolctl import threadpool_limits

from benchmarks.__main__ import cli
from benchmarks.shared import rows
from bsngraph.costs import Budget, Budgets, price
from bsngraph.fabric import Architecture, live_edges
from bsngraph.fabric.families import cnf_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.predicting.network_facts import FactSheet
from bsngraph.searching.choosing.predicting.pool import distinct_inside, draw_pool
from bsngraph.searching.choosing.predicting.predictor import Places, fit_predictor
from bsngraph.searching.choosing.propose import decision_prices

FABRIC = cnf_fabric(input_shape=(1, 4, 4), classes=3, layers=3, channels=4)


@pytest.mark.parametrize(
    ("name", "row"), [("growth", "| first choice |"), ("large-images", "| search to the end |")]
)
def test_a_quick_benchmark_of_size_runs_and_leaves_results_alone(name, row):
    before = {path: path.stat().st_mtime_ns for path in rows.RESULTS.iterdir()}
    result = CliRunner().invoke(cli, [name, "--quick"])
    assert result.exit_code == 0, result.output
    assert row in result.output
    assert {path: path.stat().st_mtime_ns for path in rows.RESULTS.iterdir()} == before


def test_edges_kept_are_those_of_the_variables_that_are_on():
    decisions = FABRIC.decisions
    values = np.random.default_rng(0).random((5, len(decisions.edges_of))) < 0.5
    expected = np.array([[of < 0 or row[of] for of in decisions.variable_of] for row in values])
    assert np.array_equal(decisions.kept(values), expected)
    assert np.array_equal(decisions.kept(values[0]), expected[0])


def test_distinct_networks_stand_where_each_was_first():
    kept = np.random.default_rng(0).random((300, len(FABRIC.edges))) < 0.9
    live = live_edges(FABRIC.sweep, np.concatenate([kept, kept[::-1]]) | FABRIC.fixed)
    connected = [row for row in live if row[list(FABRIC.incoming[FABRIC.target_indices[0]])].any()]
    expected = list({row.tobytes(): row for row in connected}.values())
    assert np.array_equal(distinct_inside(FABRIC, live, Budgets()), np.stack(expected))


def test_networks_forecast_in_parts_have_the_bits_of_all_at_once():
    sheet = FactSheet(profile_fabric(FABRIC))
    live = np.random.default_rng(0).random((4000, len(FABRIC.edges))) < 0.8
    live = distinct_inside(FABRIC, live, Budgets())
    places = Places.among(sheet, live)
    predictor = fit_predictor(places.of(live[:8]), np.random.default_rng(1).random(8))
    whole, parts = predictor.predict(places.of(live)), places.forecast(predictor, sheet.facts(live), live)
    assert np.array_equal(whole.mean, parts.mean)
    assert np.array_equal(whole.deviation, parts.deviation)


def test_a_choice_is_the_same_whatever_threads_linear_algebra_has():
    sheet = FactSheet(profile_fabric(FABRIC))
    macs = price(sheet.profile, "macs")
    budgets = Budgets((Budget(macs, 0.6 * macs.total, "macs=60%"),))
    prices = decision_prices(FABRIC, budgets)

    def chosen(threads: int):
        with threadpool_limits(threads, user_api="blas"):
            live = draw_pool(sheet, budgets, prices, 3000, np.random.default_rng(0))
            contenders = Contenders(live, Places.among(sheet, live), budgets)
            finalists = tuple(Finalist(Architecture.of_mask(row).live, "random") for row in live[:6])
            state = FinalistsState(finalists, tuple(Trained(1 + 0.1 * number, {}) for number in range(6)))
            return live.tobytes(), contenders.most_promising(state, 3)

    assert chosen(1) == chosen(4)
