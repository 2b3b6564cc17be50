"""What every calibration of edges keeps: the factors are those of a slow solver, prices
are never negative, and an edge more never makes a network cheaper.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from test_latency import Stopwatch
from tiny import DIGITS, fabric_of

from bsngraph.measure import (
    LATENCY_ENGINES,
    LatencyTable,
    Timing,
    edge_latencies,
    find_hardware,
    read_latencies,
)
from bsngraph.measure.calibration import MeasuredParts, calibrate_edges
from bsngraph.measure.edge_factors import STIFFNESS, edge_factors
from bsngraph.measure.pricing import measured_table
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.typed_files import json_text


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> FabricProfile:
    return profile_fabric(fabric_of(DIGITS, tmp_path_factory.mktemp("fabric")))


def parts_of(seed: int, edges: int, networks: int, noise: float = 0.0) -> MeasuredParts:
    """Networks that take the sum of their edges, each edge up to three times as long or
    short as by itself, and noise.
    """
    random = np.random.default_rng(seed)
    operation, joining = random.uniform(0.01, 1, edges), random.uniform(0.01, 0.1, edges)
    live = random.random((networks, edges)) < random.uniform(0.2, 1, (networks, 1))
    live[:, 0] = True
    true = operation * np.exp(random.uniform(-1.1, 1.1, edges)) + joining
    return MeasuredParts(
        operation, joining, live, live @ true * np.exp(noise * random.standard_normal(networks))
    )


cases = st.builds(
    parts_of, st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 15), st.sampled_from([0.0, 0.1, 1.0])
)


# --- the solver


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(0, 20), st.sampled_from([0.001, 0.1, 10.0]))
def test_the_factors_are_those_of_least_squares_over_all_edges(seed, edges, networks, stiffness):
    random = np.random.default_rng(seed)
    shares = random.random((networks, edges)) * random.choice([0.1, 1, 5]) * (random.random(edges) < 0.7)
    wanted = np.concatenate([np.ones(networks), np.full(edges, stiffness**0.5)])
    slow, _ = nnls(np.vstack([shares, np.eye(edges) * stiffness**0.5]), wanted, maxiter=100 * (edges + 1))
    assert edge_factors(shares, stiffness) == pytest.approx(slow, abs=1e-8)


def test_an_edge_of_no_network_keeps_its_price_and_so_do_all_without_networks():
    shares = np.array([[0.5, 0.0, 0.2], [0.8, 0.0, 0.0]])
    factors = edge_factors(shares)
    assert factors[1] == 1
    assert (factors[[0, 2]] > 1).all(), "both networks take longer than their sum"
    assert edge_factors(np.zeros((0, 4))) == pytest.approx(np.ones(4))
    assert edge_factors(shares, stiffness=1e9) == pytest.approx(np.ones(3), abs=1e-8)


# --- the laws of prices


@settings(max_examples=60)
@given(cases)
def test_prices_are_not_negative_and_more_edges_cost_no_less(parts):
    found = calibrate_edges(parts)
    assert (found.edge_ms >= 0).all()
    assert found.spread >= 0
    fewer = parts.live & (np.random.default_rng(0).random(parts.live.shape) < 0.5)
    assert (fewer @ found.edge_ms <= parts.live @ found.edge_ms * (1 + 1e-12)).all()


@settings(max_examples=60)
@given(cases, st.floats(0.01, 100))
def test_a_device_that_is_slower_by_a_factor_is_priced_so(parts, factor):
    slower = replace(
        parts,
        operation_ms=parts.operation_ms * factor,
        joining_ms=parts.joining_ms * factor,
        whole_ms=parts.whole_ms * factor,
    )
    one, other = calibrate_edges(parts), calibrate_edges(slower)
    assert other.edge_ms == pytest.approx(one.edge_ms * factor, rel=1e-6, abs=1e-9)
    assert other.spread == pytest.approx(one.spread, rel=1e-6, abs=1e-9)


def test_what_every_network_takes_besides_goes_to_the_edges_that_every_network_has():
    parts = parts_of(3, edges=12, networks=40)
    alike = replace(parts, operation_ms=np.ones(12), joining_ms=np.full(12, 0.01))
    found = calibrate_edges(replace(alike, whole_ms=parts.live.sum(axis=1) + 3.0)).edge_ms
    assert found[0] > 2
    assert found[0] > 1.5 * max(found[1:])


def test_networks_left_out_are_nearer_by_a_factor_of_each_edge_than_by_two_for_all():
    parts = parts_of(5, edges=15, networks=40, noise=0.01)
    each, two = (calibrate_edges(parts, each=each) for each in (True, False))
    assert (each.calibration.operations, each.calibration.joining) == (
        two.calibration.operations,
        two.calibration.joining,
    )
    assert each.calibration.error < 0.5 * two.calibration.error
    assert each.spread < two.spread


def test_the_stiffness_keeps_noise_from_the_prices():
    random = np.random.default_rng(1)
    parts = parts_of(1, edges=30, networks=12)
    same = replace(parts, whole_ms=parts.live @ parts.operation_ms)
    noisy = replace(same, whole_ms=same.whole_ms * np.exp(0.1 * random.standard_normal(12)))
    factors = calibrate_edges(noisy).edge_ms / parts.operation_ms
    assert STIFFNESS == 0.1
    assert np.abs(factors - 1).mean() < 0.15


# --- the table


def test_pieces_are_compared_by_their_fast_calls_and_told_as_medians(digits: FabricProfile) -> None:
    watch, calls = Stopwatch(), 0

    def interrupted(run, **more) -> Timing:
        nonlocal calls
        calls += 1
        quiet = watch.measure(run, **more).median_ms
        slow = 1.25 if calls % 7 else 3.0  # of a median; fast calls are what they are
        return Timing(quiet * slow, quiet, quiet * 5, 9)

    table = edge_latencies(digits, threads=1, networks=6, runner=watch.runner, measure=interrupted)
    assert table.per_edge == pytest.approx(1.25 * (digits.macs + 1))
    assert table.calibration.error == pytest.approx(0, abs=1e-9)


def test_a_run_of_before_keeps_its_two_factors_and_other_files_are_fitted_anew(
    digits: FabricProfile, tmp_path: Path
) -> None:
    watch = Stopwatch()
    table = edge_latencies(digits, threads=1, networks=6, runner=watch.runner, measure=watch.measure)
    skewed = tuple(
        replace_ms(network, 1.3 if "a->b#0" in network.edges else 0.9) for network in table.networks
    )
    row = json.loads(json_text(replace(table, networks=skewed).row()))
    file = tmp_path / "latencies.json"

    def read(**more) -> LatencyTable:
        file.write_text(json.dumps({key: value for key, value in (row | more).items() if value is not None}))
        return read_latencies(file, digits)

    anew, recorded, before = read(edge_ms=None), read(spread=0.5), read(edge_ms=None, spread=0.5)
    assert anew.edge_ms is not None
    assert anew == recorded
    assert before.edge_ms is None
    fitted = before.calibration
    assert before.calibrated == pytest.approx(
        fitted.operations * np.array(table.operation_ms) + fitted.joining * np.array(table.joining_ms)
    )
    assert before.spread != anew.spread


def replace_ms(network, factor: float):
    return type(network)(edges=network.edges, ms=network.ms * factor)


@pytest.mark.parametrize(("pace", "told"), [(0.01, False), (4.0, True)])
def test_a_long_measurement_says_how_far_it_is_and_a_short_one_nothing(
    digits: FabricProfile, monkeypatch: pytest.MonkeyPatch, pace: float, told: bool
) -> None:
    watch, clock, notes = Stopwatch(), count(), []

    def measured(profile, *, report, **_) -> LatencyTable:
        runs = {"runner": watch.runner, "measure": watch.measure}
        return edge_latencies(profile, threads=1, networks=2, report=report, **runs)

    monkeypatch.setattr("bsngraph.measure.pricing.edge_latencies", measured)
    monkeypatch.setattr(
        "bsngraph.measure.pricing.time", SimpleNamespace(monotonic=lambda: pace * next(clock))
    )
    hardware, progress = find_hardware("cpu", 1), SimpleNamespace(note=notes.append)
    measured_table(digits, LATENCY_ENGINES["latency"], 1, hardware, progress)
    said = [note for note in notes if note.startswith("measuring: ")]
    assert bool(said) == told
    assert all("% of 54 measurements are done" in note for note in said), said
