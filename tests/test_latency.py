"""Measured latency without a clock: what is measured, how often, what is kept, and that
the table adds up. Nothing here is timed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from random_fabrics import small_fabrics
from tiny import DIGITS, fabric_of

from bsngraph.errors import InputError
from bsngraph.fabric import fabric_from_networkx, live_edges
from bsngraph.measure import (
    LatencyTable,
    Patience,
    Timing,
    conditions_here,
    default_cache,
    edge_latencies,
    measure_module,
    measure_network,
    random_architectures,
)
from bsngraph.measure.calibration import fit_calibration
from bsngraph.measure.piecewise.piece_timings import ROUNDS
from bsngraph.measure.timing import _timing as block_timing
from bsngraph.ops import OPERATIONS, load_operations
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.latencies import Calibration
from bsngraph.supernet import SuperNet, compile_fabric, prune
from bsngraph.supernet.supernet import Inputs
from bsngraph.typed_files import decode_row, decode_value, json_text, plain


class Stopwatch:
    """Stands in for runner and clock: a network takes its MACs in milliseconds, one
    more for each edge, and a share for each node.
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = drift
        self.nets: list[SuperNet] = []
        self.runs = 0

    def runner(self, net: SuperNet, inputs: Inputs) -> Callable[[], object]:
        self.nets.append(net)
        return lambda: net(inputs)

    def measure(
        self, run: Callable[[], object], *, device: torch.device, threads: int, patience: Patience
    ) -> Timing:
        self.runs += 1
        with torch.inference_mode():
            run()
        profile = self.nets[-1].profile
        milliseconds = float(profile.macs.sum()) + len(profile.fabric.edges) + self.drift * self.runs
        return Timing(milliseconds, milliseconds, milliseconds, 1)


def table_of(profile, watch: Stopwatch | None = None, **more) -> LatencyTable:
    watch = watch or Stopwatch()
    return edge_latencies(
        profile, **{"threads": 1, "networks": 0, "runner": watch.runner, "measure": watch.measure} | more
    )


def whole_net(profile) -> SuperNet:
    """The fabric as a network to deliver: every edge fixed."""
    return compile_fabric(prune(profile, np.ones(len(profile.fabric.edges), dtype=np.bool_)), seed=0)


@pytest.fixture
def digits(tmp_path):
    return profile_fabric(fabric_of(DIGITS, tmp_path))


# --- what is measured


@settings(max_examples=20)
@given(small_fabrics(max_sources=2, max_targets=2, inner_targets=True))
def test_an_edge_takes_what_its_operation_takes_by_itself_and_the_table_adds_up_over_live_edges(fabric):
    profile = profile_fabric(fabric)
    table = table_of(profile)
    assert table.operation_ms == tuple(profile.macs + 1)
    assert table.joining_ms == (2,) * len(fabric.edges)
    random = np.random.default_rng(0)
    live = live_edges(fabric.sweep, random.random((20, len(fabric.edges))) < 0.7)
    by_hand = [sum(table.per_edge[edge] for edge in np.flatnonzero(row)) for row in live]
    assert live @ table.per_edge == pytest.approx(by_hand)
    assert (table.per_edge >= 0).all()


def test_each_distinct_operation_and_shape_is_measured_once_a_round(tmp_path):
    graph = nx.MultiDiGraph(source="x", target="y", node={"activation": "relu"})
    graph.add_node("x", input="4x6x6", activation="none")
    for source, target, channels in (
        ("x", "a", 4),
        ("a", "b", 4),
        ("a", "b", 4),
        ("b", "c", 4),
        ("c", "y", 8),
    ):
        graph.add_edge(source, target, op="conv", channels=channels)
    graph.add_edge("a", "c", op="conv", channels=4, kernel=1)
    graph.nodes["y"]["activation"] = "none"
    watch, seen = Stopwatch(), []
    table_of(
        profile_fabric(fabric_from_networkx(graph)), watch, report=lambda done, of: seen.append((done, of))
    )
    pieces = 3 + 2  # conv to 4, conv to 8, kernel 1; joining with ReLU, and 8 channels without
    assert watch.runs == ROUNDS * pieces
    assert seen == [(done + 1, ROUNDS * pieces) for done in range(ROUNDS * pieces)]


def test_the_best_round_counts_so_that_a_slow_spell_hits_no_edge_alone(digits):
    first, slowing = table_of(digits), table_of(digits, Stopwatch(drift=1.0))
    assert max(np.array(slowing.operation_ms) - first.operation_ms) <= 5 + 3, (
        "measured in the first round of eight pieces"
    )


def test_a_batch_is_measured_as_a_batch(digits):
    sizes = set()

    def measure(run, **_):
        with torch.inference_mode():
            sizes.add(run().shape[0])
        return Timing(1, 1, 1, 1)

    edge_latencies(digits, threads=1, batch=7, networks=2, measure=measure)
    net = whole_net(digits)
    measure_network(net, threads=1, batch=7, measure=measure)
    assert sizes == {7}
    assert not net.training


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch": 0}, "at least one example on at least one thread, not of 0 on 1"),
        ({"threads": 0}, "not of 1 on 0"),
        ({"device": "toaster"}, "device 'toaster' is none"),
        ({"device": "meta"}, "device 'meta' cannot be measured here"),
        ({"device": "cuda:77"}, "device 'cuda:77' cannot be measured here"),
    ],
)
def test_what_cannot_be_measured_is_said(digits, given, said):
    with pytest.raises(InputError, match=said):
        table_of(digits, **given)
    with pytest.raises(InputError, match=said):
        measure_network(whole_net(digits), **{"threads": 1, "measure": Stopwatch().measure} | given)


# --- the cache


def test_what_is_in_the_cache_is_not_measured_again(digits, tmp_path):
    cache, first, second = tmp_path / "deep" / "cache", Stopwatch(), Stopwatch()
    table = table_of(digits, first, cache=cache, networks=3)
    assert table_of(digits, second, cache=cache, networks=3) == table
    assert (first.runs > 0, second.runs) == (True, 0)
    assert not list(cache.glob(".*")), "no half-written file stays"


@pytest.mark.parametrize("change", [{"threads": 2}, {"batch": 2}])
def test_other_conditions_are_measured_anew(digits, tmp_path, change):
    table_of(digits, cache=tmp_path / "cache")
    watch = Stopwatch()
    table_of(digits, watch, cache=tmp_path / "cache", **change)
    assert watch.runs > 0


@pytest.mark.parametrize("field", ["model", "dtype", "torch", "bsngraph", "device"])
def test_the_key_holds_device_and_versions(digits, tmp_path, monkeypatch, field):
    table_of(digits, cache=tmp_path / "cache")
    here = conditions_here(threads=1)
    monkeypatch.setattr(
        "bsngraph.measure.latency.conditions_here", lambda *_, **__: structs.replace(here, **{field: "cpu:0"})
    )
    watch = Stopwatch()
    table_of(digits, watch, cache=tmp_path / "cache")
    assert watch.runs > 0


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "null", '{"key": 1}', "[" * 10_000, "\udcff", "other key", "nan", "no value", "faster"],
)
def test_a_damaged_file_is_measured_again_and_mended(digits, tmp_path, damage):
    cache = tmp_path / "cache"
    table = table_of(digits, cache=cache)
    for path in cache.iterdir():
        kept = json.loads(path.read_text())
        texts = {
            "other key": json.dumps(kept | {"key": {**kept["key"], "piece": {}}}),
            "nan": json.dumps(kept | {"value": {**kept["value"], "median_ms": float("nan")}}),
            "no value": json.dumps(kept | {"value": {}}),
            "faster": json.dumps(kept | {"value": {**kept["value"], "low_ms": 0.0}}),
        }
        path.write_bytes(texts.get(damage, damage).encode("utf-8", "surrogateescape"))
    again, after = Stopwatch(), Stopwatch()
    assert table_of(digits, again, cache=cache) == table == table_of(digits, after, cache=cache)
    assert (again.runs > 0, after.runs) == (True, 0)


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(digits, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert table_of(digits, cache=tmp_path / "file" / "cache") == table_of(digits)


def test_the_cache_is_where_the_platform_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "bsngraph" / "latency"


OWN = """import bsngraph
@bsngraph.operation('test_scale')
def scale(shape):
    'Times.'
    return lambda x: {factor} * x
"""


def test_a_users_operation_is_measured_again_when_its_file_changed(tmp_path):
    known = dict(OPERATIONS)
    text = 'digraph { graph [source=x, target=y]; x [input="3x8x8"]; x -> y [op=test_scale] }'
    counts = []
    try:
        for factor in (2, 2, 3):
            (tmp_path / "own.py").write_text(OWN.format(factor=factor))
            load_operations(str(tmp_path / "own.py"))
            watch = Stopwatch()
            table_of(profile_fabric(fabric_of(text, tmp_path)), watch, cache=tmp_path / "cache", networks=1)
            counts.append(watch.runs)
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(known)
    assert counts == [3 * ROUNDS, 0, 2 * ROUNDS], "the operation and the network, not the joining"


# --- calibration


def test_factors_of_networks_that_are_such_a_sum_are_found():
    random = np.random.default_rng(3)
    operation, joining = random.random(12) + 1, random.random(12)
    measured = 1.25 * operation + 0.5 * joining
    found = fit_calibration(operation, joining, measured)
    assert (found.operations, found.joining, found.networks) == (pytest.approx(1.25), pytest.approx(0.5), 12)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.error_before == pytest.approx(float(np.mean(1 - operation / measured)))


def test_the_plain_sum_stays_where_the_fit_is_no_better():
    operation = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    measured = np.array([1.0, 1.0, 1.0, 1.0, 2.0])  # one slow spell, which least squares would give in to
    found = fit_calibration(operation, np.zeros(5), measured)
    assert (found.operations, found.joining, found.networks) == (1, 0, 5)
    assert found.error == found.error_before == pytest.approx(0.1)


@pytest.mark.parametrize("share", [-0.1, 3.0])
def test_joining_never_counts_for_less_than_nothing_nor_for_more_than_operations(share):
    random = np.random.default_rng(4)
    operation, joining = random.random(12) + 1, random.random(12)
    found = fit_calibration(operation, joining, operation + share * joining)
    assert 0 <= found.joining <= found.operations
    assert found.joining == pytest.approx(0 if share < 0 else found.operations)


def test_a_table_is_calibrated_on_networks_measured_whole(digits):
    table = table_of(digits, networks=5)
    assert table.calibration.networks == 5
    assert table.calibration.error == pytest.approx(0, abs=1e-9), (
        "these networks are the plain sum of their edges"
    )
    assert table.per_edge == pytest.approx(digits.macs + 1)


@settings(max_examples=20)
@given(small_fabrics())
def test_random_architectures_are_distinct_repeatable_and_of_the_fabric(fabric):
    found = random_architectures(fabric, 6, seed=1)
    assert found == random_architectures(fabric, 6, seed=1)
    assert 1 <= len(found) <= 6
    assert len({architecture.live for architecture in found}) == len(found)


# --- JSON


def test_a_table_is_the_same_after_json(digits, tmp_path):
    table = table_of(digits, networks=4)
    run = RunFolder(tmp_path)
    run.write_json("latencies.json", table.row())
    file = run.file("latencies.json")
    assert LatencyTable.of_row(run.read_latencies(), digits.fabric, file) == table
    assert json.loads(file.read_text(encoding="utf-8"))["unit"] == "ms"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.pop("operation_ms"),
        lambda value: value["operation_ms"].popitem(),
        lambda value: value["joining_ms"].update({"a->b#0": "fast"}),
        lambda value: value["operation_ms"].update({"a->b#0": -1e9}),
        lambda value: value["operation_ms"].update({"a->b#0": float("nan")}),
        lambda value: value["conditions"].pop("threads"),
        lambda value: value.update(calibration=[]),
    ],
)
def test_what_is_no_table_of_the_fabric_is_said(digits, tmp_path, spoil):
    run = RunFolder(tmp_path)
    run.write_json("latencies.json", table_of(digits).row())
    file = run.file("latencies.json")
    value = json.loads(file.read_text(encoding="utf-8"))
    spoil(value)
    file.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=r"latencies\.json: .* at \$"):
        LatencyTable.of_row(run.read_latencies(), digits.fabric, file)


def test_a_table_of_another_fabric_names_the_edge_that_it_lacks(digits, tmp_path):
    row = table_of(digits).row()
    text = 'digraph { graph [source=x, target=y]; x [input="4"]; x -> y [op=identity] }'
    other, said = fabric_of(text, tmp_path), r"x\.json: has no latency of the edge x->y#0 at \$\.operation_ms"
    with pytest.raises(InputError, match=said):
        LatencyTable.of_row(row, other, Path("x.json"))


@pytest.mark.parametrize(
    "wrong", [{"median_ms": -1}, {"low_ms": 3}, {"high_ms": float("inf")}, {"runs": "many"}, {"runs": 0}]
)
def test_a_timing_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=r"^cache: .* at \$"):
        decode_value(plain(Timing(2, 1, 3, 10)) | wrong, Timing, "cache")


# --- the clock itself


def test_a_call_is_made_without_gradients_on_the_threads_asked_for_and_told_with_its_spread():
    seen = set()

    def run() -> None:
        seen.add((torch.is_inference_mode_enabled(), torch.get_num_threads()))

    before = torch.get_num_threads()
    timing = measure_module(
        run, device=torch.device("cpu"), threads=before + 1, patience=Patience(0.002, 0.001)
    )
    assert seen == {(True, before + 1)}
    assert torch.get_num_threads() == before
    assert 0 < timing.low_ms <= timing.median_ms <= timing.high_ms
    assert timing.runs > 0
    assert decode_row(json_text(timing).encode(), Timing, "cache") == timing


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=5), st.integers(1, 3))
def test_low_median_and_high_are_in_that_order_to_the_last_bit(times, repeated):
    timing = block_timing(times * repeated, 7)
    assert min(times) <= timing.median_ms <= max(times)
    assert timing.low_ms <= timing.median_ms <= timing.high_ms
    assert timing.runs == 7 * len(times) * repeated
    assert decode_row(json_text(timing).encode(), Timing, "cache") == timing


def test_warming_up_ends_when_its_time_is_over_even_if_the_calls_never_settle():
    count = 0

    def ever_slower() -> None:
        nonlocal count
        count += 1
        sum(range(100 * count))

    measure_module(ever_slower, device=torch.device("cpu"), threads=1, patience=Patience(0.001, 0.001))
    assert count < 100_000


def test_a_table_and_a_network_are_measured_for_real(digits, tmp_path: Path):
    table = edge_latencies(digits, threads=1, cache=tmp_path, networks=2)
    assert (np.array(table.operation_ms) > 0).all()
    assert table.calibration != Calibration()
    timing = measure_network(whole_net(digits), threads=1, patience=Patience(0.01, 0.01))
    assert timing.median_ms > 0
