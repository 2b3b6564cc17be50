"""Steps and makespan against schedules made step by step and event by event, an exact
solver, and a simulated execution.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model
from random_fabrics import every_sample, random_samples, small_fabrics

from bsngraph.costs.schedules.schedule_costs import Makespan, Steps, cores_of, schedule_of
from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.errors import InputError
from bsngraph.fabric import Booleans, Fabric, connected, live_edges
from bsngraph.fabric.model import Edge, Node
from bsngraph.fabric.words.natural_order import edges_by_name
from bsngraph.profile import profile_fabric
from bsngraph.supernet import prune

fabrics = small_fabrics(
    max_edges=16, max_inner=7, max_sources=2, max_targets=2, operations="identity", inner_targets=True
)
CORES = st.integers(1, 5)


def live_of(fabric: Fabric, kept: Booleans) -> Booleans:
    return live_edges(fabric.sweep, kept)


def whole(fabric: Fabric) -> Booleans:
    return np.ones(len(fabric.edges), dtype=np.bool_)


def graph(*ends: str) -> Fabric:
    """A fabric of edges `xa` from node x to node a, in this order; x is its source and
    y its target, names sort as levels do.
    """
    names = list(dict.fromkeys("".join(ends)))
    names = ["x", *sorted(set(names) - {"x", "y"}), "y"]
    edges = [Edge(pair[0], pair[1], str(index), "identity") for index, pair in enumerate(ends)]
    return Fabric("graph", tuple(map(Node, names)), tuple(edges), ("x",), ("y",))


@st.composite
def cases(draw: st.DrawFn, **options: object) -> tuple[Fabric, np.ndarray, Booleans]:
    """A fabric, a small whole number for each edge (about a third of them 0), live
    edges (batch, edges).
    """
    fabric = draw(small_fabrics(**options) if options else fabrics)
    taken = draw(
        st.lists(st.sampled_from((0, 0, 1, 2, 3, 5)), min_size=len(fabric.edges), max_size=len(fabric.edges))
    )
    kept = draw(random_samples(fabric, batch=draw(st.integers(1, 5))))
    kept[0] = True
    return fabric, np.array(taken, dtype=np.float64), live_of(fabric, kept)


# --- references


def following(fabric: Fabric, live: Booleans) -> list[list[int]]:
    """For each edge, the live edges out of its target."""
    return [
        [other for other, edge in enumerate(fabric.edges) if live[other] and edge.source == first.target]
        for first in fabric.edges
    ]


def preceding(fabric: Fabric, live: Booleans) -> list[list[int]]:
    """For each edge, the live edges into its source."""
    return [
        [other for other, edge in enumerate(fabric.edges) if live[other] and edge.target == first.source]
        for first in fabric.edges
    ]


def remaining(fabric: Fabric, live: Booleans, taken: Sequence[float]) -> list[float]:
    """The longest path from the start of each edge, by recursion."""
    after = following(fabric, live)

    def from_start(edge: int) -> float:
        return taken[edge] + max(map(from_start, after[edge]), default=0.0)

    return [from_start(edge) for edge in range(len(live))]


def critical_path(fabric: Fabric, live: Booleans, taken: Sequence[float]) -> float:
    return max(itertools.compress(remaining(fabric, live, taken), live), default=0.0)


def steps_one_by_one(fabric: Fabric, macs: Sequence[float], cores: int, live: Booleans) -> int:
    """The definition, read aloud: one sample, one step, one edge at a time."""
    works = [float(count > 0) for count in macs]
    before, path = preceding(fabric, live), remaining(fabric, live, works)
    rank = {index: place for place, index in enumerate(edges_by_name(fabric.edges))}
    done: set[int] = set()
    steps = 0
    while True:
        while free := [
            edge
            for edge in np.flatnonzero(live)
            if not works[edge] and edge not in done and done.issuperset(before[edge])
        ]:
            done.update(free)
        ready = [edge for edge in np.flatnonzero(live) if edge not in done and done.issuperset(before[edge])]
        if not ready:
            return steps
        done.update(sorted(ready, key=lambda edge: (-path[edge], rank[edge]))[:cores])
        steps += 1


def arrivals(
    fabric: Fabric,
    durations: Sequence[float],
    transfers: Sequence[float],
    live: Booleans,
    ran: dict[int, ScheduledEdge],
    cores: int,
) -> dict[str, list[float]]:
    """When each node is complete on each core (inf: an edge into it has not run), by
    the definition of a transfer.
    """
    there = {}
    for node in fabric.nodes:
        parts = [[0.0] * cores]
        for edge in fabric.incoming[fabric.node_index[node.name]]:
            if not live[edge]:
                continue
            if durations[edge] == 0:
                parts.append(there[fabric.edges[edge].source])
            elif edge in ran:
                parts.append(
                    [
                        ran[edge].end + (transfers[edge] if core != ran[edge].core else 0.0)
                        for core in range(cores)
                    ]
                )
            else:
                parts.append([math.inf] * cores)
        there[node.name] = [max(times) for times in zip(*parts, strict=True)]
    return there


def makespan_of(fabric: Fabric, there: dict[str, list[float]]) -> float:
    return max(min(there[target]) for target in fabric.targets)


def schedule_by_events(
    fabric: Fabric, durations: Sequence[float], cores: int, transfers: Sequence[float], live: Booleans
) -> tuple[list[ScheduledEdge], float]:
    """A clock that goes from event to event; at each, edges are started while any can
    be.
    """
    ran: dict[int, ScheduledEdge] = {}
    free = [0.0] * cores
    now = 0.0
    path = remaining(fabric, live, durations)
    rank = {index: place for place, index in enumerate(edges_by_name(fabric.edges))}
    left = {int(edge) for edge in np.flatnonzero(live) if durations[edge] > 0}
    while left:
        there = arrivals(fabric, durations, transfers, live, ran, cores)
        could = [
            (-path[edge], rank[edge], core, edge)
            for edge in left
            for core in range(cores)
            if free[core] <= now and there[fabric.edges[edge].source][core] <= now
        ]
        if could:
            _, _, core, edge = min(could)
            free[core] = now + durations[edge]
            ran[edge] = ScheduledEdge(edge, core, now, free[core])
            left.remove(edge)
        else:
            events = {time for times in there.values() for time in times} | set(free)
            now = min(time for time in events if time > now)
    return list(ran.values()), makespan_of(fabric, arrivals(fabric, durations, transfers, live, ran, cores))


def optimum(fabric: Fabric, durations: Sequence[float], cores: int, live: Booleans) -> int:
    """The least makespan without transfers, by constraint programming; durations are
    whole numbers.
    """
    model = cp_model.CpModel()
    horizon = int(sum(durations))
    ends = {}
    intervals = []
    for edge in map(int, np.flatnonzero(live)):
        start = model.new_int_var(0, horizon, f"start{edge}")
        ends[edge] = model.new_int_var(0, horizon, f"end{edge}")
        interval = model.new_interval_var(start, int(durations[edge]), ends[edge], f"edge{edge}")
        if durations[edge]:
            intervals.append(interval)
        for before in preceding(fabric, live)[edge]:
            model.add(start >= ends[before])
    last = model.new_int_var(0, horizon, "makespan")
    model.add_max_equality(last, [*ends.values(), 0])
    model.add_cumulative(intervals, [1] * len(intervals), cores)
    model.minimize(last)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)


# --- steps


@settings(max_examples=40, deadline=None)
@given(cases(), CORES)
def test_steps_are_those_of_the_definition_followed_edge_by_edge(case, cores):
    fabric, macs, live = case
    found = Steps(fabric, macs, cores).of(live)
    assert found.dtype == np.float64
    assert found.tolist() == [steps_one_by_one(fabric, macs, cores, row) for row in live]


@settings(max_examples=25, deadline=None)
@given(cases())
def test_one_core_takes_a_step_for_each_edge_with_macs_and_many_cores_the_longest_path(case):
    fabric, macs, live = case
    assert Steps(fabric, macs, 1).of(live).tolist() == [np.count_nonzero(macs[row]) for row in live]
    longest = [critical_path(fabric, row, np.minimum(macs, 1).tolist()) for row in live]
    assert Steps(fabric, macs, len(fabric.edges)).of(live).tolist() == longest


@settings(max_examples=40, deadline=None)
@given(cases())
def test_more_cores_take_no_more_steps_and_never_less_than_the_longest_path_or_the_work_shared_out(case):
    fabric, macs, live = case
    before = np.full(len(live), np.inf)
    for cores in range(1, 6):
        steps = Steps(fabric, macs, cores).of(live)
        assert (steps <= before).all()
        for row, count in zip(live, steps, strict=True):
            assert count >= critical_path(fabric, row, np.minimum(macs, 1).tolist())
            assert count >= np.count_nonzero(macs[row]) / cores
        before = steps


def test_steps_of_a_graph_worked_out_by_hand():
    # x ─┬─ a ── b ── y     the long branch has three edges with MACs, the short ones
    # have one each ├────────── y └────────── y
    fabric = graph("xa", "xy", "xy", "ab", "by")
    macs = np.ones(5)
    assert [Steps(fabric, macs, cores).total for cores in (1, 2, 3, 4)] == [5, 3, 3, 3]
    # on two cores: {x->a, x->y#1}, {a->b, x->y#2}, {b->y}
    jobs = schedule_of(Steps(fabric, macs, 2), whole(fabric))
    expected = [(0, 0, 0.0), (1, 1, 0.0), (3, 0, 1.0), (2, 1, 1.0), (4, 0, 2.0)]
    assert [(job.edge, job.core, job.start) for job in jobs] == expected
    # x->a beside x->y#1; then b->y, as a->b takes nothing, beside x->y#2
    assert Steps(fabric, np.array([1.0, 1, 1, 0, 1]), 2).total == 2
    assert Steps(fabric, np.zeros(5), 2).total == 0


def test_a_dead_edge_counts_neither_as_work_nor_for_the_remaining_path_of_others():
    fabric = graph("xa", "xb", "ac", "bd", "bd", "cy", "de", "dy", "ey")
    macs = np.ones(9)
    everything = whole(fabric)
    without_the_end_of_b = everything.copy()
    without_the_end_of_b[[6, 8]] = False
    # the path through b is the longer one
    assert [job.edge for job in schedule_of(Steps(fabric, macs, 1), everything)[:2]] == [1, 3]
    # as long: first by name
    assert [job.edge for job in schedule_of(Steps(fabric, macs, 1), without_the_end_of_b)[:2]] == [0, 1]


def test_nothing_live_costs_nothing_and_no_samples_give_no_values():
    fabric = graph("xa", "ay")
    dead = np.zeros((3, 2), dtype=np.bool_)
    for cost in (Steps(fabric, np.ones(2), 2), Makespan(fabric, np.ones(2), 2, transfer=1.0)):
        assert cost.of(dead).tolist() == [0, 0, 0]
        assert cost.of(dead[:0]).shape == (0,)
        assert schedule_of(cost, dead[0]) == ()


def test_values_do_not_depend_on_the_other_samples_of_a_batch():
    random = np.random.default_rng(3)
    pairs = [
        (a, b)
        for a, b in itertools.combinations("xabcdefgy", 2)
        if random.random() < 0.6 or b == chr(ord(a) + 1)
    ]
    fabric = graph("xa", "gy", *(a + b for a, b in pairs))
    live = live_of(fabric, random.random((1500, len(fabric.edges))) < 0.7)
    live = np.concatenate([live, live[::-1]])
    macs = random.integers(0, 3, len(fabric.edges)).astype(np.float64)
    for cost in (Steps(fabric, macs, 2), Makespan(fabric, macs, 2, transfer=0.5)):
        values = cost.of(live)
        assert np.array_equal(values[:1500], values[:1499:-1])
        assert values[::100].tolist() == [cost.of(row[None])[0] for row in live[::100]]


# --- makespan


@settings(max_examples=40, deadline=None)
@given(cases(), CORES, st.sampled_from((0.0, 0.5, 1.0, 4.0)), st.booleans())
def test_makespan_and_schedule_are_those_of_a_clock_that_goes_from_event_to_event(
    case, cores, transfer, each_its_own
):
    fabric, durations, live = case
    transfers = transfer * (1.0 + np.arange(len(durations)) % 3 if each_its_own else np.ones(len(durations)))
    cost = Makespan(fabric, durations, cores, transfer=transfers if each_its_own else transfer)
    for row, value in zip(live, cost.of(live), strict=True):
        jobs, makespan = schedule_by_events(fabric, durations.tolist(), cores, transfers.tolist(), row)
        assert list(schedule_of(cost, row)) == jobs
        assert value == makespan


@settings(max_examples=40, deadline=None)
@given(cases(), CORES, st.sampled_from((0.0, 0.3, 2.0)), st.randoms(use_true_random=False))
def test_a_simulated_execution_of_the_schedule_keeps_every_rule_and_ends_when_the_cost_says(
    case, cores, transfer, random
):
    fabric, durations, live = case
    durations = durations * np.array([random.random() for _ in durations])
    cost = Makespan(fabric, durations, cores, transfer=transfer)
    for row, value in zip(live, cost.of(live), strict=True):
        ran = {job.edge: job for job in schedule_of(cost, row)}
        assert sorted(ran) == np.flatnonzero(row & (durations > 0)).tolist()
        there = arrivals(fabric, durations.tolist(), [transfer] * len(durations), row, ran, cores)
        for edge, job in ran.items():
            assert job.start >= there[fabric.edges[edge].source][job.core]
            assert job.end == job.start + durations[edge]
        for core in range(cores):
            on_it = sorted((job.start, job.end) for job in ran.values() if job.core == core)
            assert all(end <= start for (_, end), (start, _) in itertools.pairwise(on_it))
        assert value == makespan_of(fabric, there)
        if not transfer:
            assert value == max((job.end for job in ran.values()), default=0.0)


@settings(max_examples=40, deadline=None)
@given(cases(), CORES, st.sampled_from((0.0, 0.7)))
def test_makespan_is_never_under_the_critical_path_or_the_work_shared_out(case, cores, transfer):
    fabric, durations, live = case
    for row, value in zip(live, Makespan(fabric, durations, cores, transfer=transfer).of(live), strict=True):
        assert value >= critical_path(fabric, row, durations.tolist())
        assert value >= durations[row].sum() / cores


@settings(max_examples=25, deadline=None)
@given(cases(max_edges=10, max_inner=4, operations="identity"), st.integers(2, 3))
def test_list_schedules_are_within_the_known_bound_of_an_exact_solver(case, cores):
    fabric, durations, live = case
    for row in live[:2]:
        for taken, cost in (
            (durations, Makespan(fabric, durations, cores)),
            (np.minimum(durations, 1), Steps(fabric, durations, cores)),
        ):
            best = optimum(fabric, taken.tolist(), cores, row)
            assert best <= cost.of(row[None])[0] <= (2 - 1 / cores) * best


def test_the_longest_path_first_is_not_always_best():
    # Three jobs of 2 and two of 3 on two cores: the two of 3 go first, and one of 2 is
    # left over at the end.
    fabric = graph("xy", "xy", "xy", "xy", "xy")
    durations = np.array([3.0, 3.0, 2.0, 2.0, 2.0])
    assert Makespan(fabric, durations, 2).total == 7
    assert optimum(fabric, durations.tolist(), 2, whole(fabric)) == 6


@settings(max_examples=25, deadline=None)
@given(cases(), CORES)
def test_steps_are_the_makespan_where_edges_with_macs_take_one_and_others_nothing(case, cores):
    fabric, macs, live = case
    steps = Steps(fabric, macs, cores)
    assert steps.of(live).tolist() == Makespan(fabric, np.minimum(macs, 1), cores).of(live).tolist()
    for row in live:
        assert max((job.end for job in schedule_of(steps, row)), default=0.0) == steps.of(row[None])[0]


def test_transfers_of_a_graph_worked_out_by_hand():
    #  x ─(3)─ b ─(2)─ y   and   x ─(1)─ a ─(0)─ b
    fabric = graph("xb", "xa", "ab", "by")
    durations = np.array([3.0, 1.0, 0.0, 2.0])
    # x->b on core 0 until 3, x->a on core 1 until 1: a's part is on core 0 from 1 +
    # transfer on, and b->y follows there
    assert Makespan(fabric, durations, 2, transfer=1.0).total == 5
    # a's part is on core 0 at 5, b's on core 1 at 7
    assert Makespan(fabric, durations, 2, transfer=4.0).total == 7
    # b's part is on core 1 at once
    assert Makespan(fabric, durations, 2, transfer=np.array([0.0, 4.0, 9.0, 9.0])).total == 5
    assert Makespan(fabric, durations, 1, transfer=9.0).total == 6  # one core: nothing moves


def test_a_target_is_done_when_its_parts_are_together_on_a_core():
    fabric = graph("xy", "xy")
    # the part of core 1 is on core 0 at 2.5
    assert Makespan(fabric, np.array([3.0, 2.0]), 2, transfer=0.5).total == 3.0
    assert Makespan(fabric, np.array([3.0, 2.0]), 2, transfer=5.0).total == 7.0


@pytest.mark.parametrize("transfer", [0.0, 0.5])
def test_more_cores_than_edges_are_as_good_as_one_for_each_edge(transfer):
    fabric = graph("xa", "xb", "xb", "ab", "ay", "by")
    durations, live = np.array([1.0, 3.0, 0.0, 1.0, 2.0, 1.0]), np.ones(6, dtype=np.bool_)
    some, many = (Makespan(fabric, durations, cores, transfer=transfer) for cores in (5, 1024))
    assert schedule_of(many, live) == schedule_of(some, live)
    assert many.total == schedule_by_events(fabric, durations.tolist(), 1024, [transfer] * 6, live)[1]


# --- names, units, errors


def test_costs_say_their_name_and_unit():
    fabric = graph("xa", "ay")
    assert (Steps(fabric, np.ones(2), 4).name, Steps(fabric, np.ones(2), 4).unit) == ("steps:4", "steps")
    assert (Makespan(fabric, np.ones(2), 2).name, Makespan(fabric, np.ones(2), 2, unit="mJ").unit) == (
        "makespan:2",
        "mJ",
    )


@pytest.mark.parametrize("cores", [0, -1, 1025, 10**9])
def test_a_schedule_on_no_core_or_on_too_many_is_refused(cores):
    fabric = graph("xa", "ay")
    for kind, cost in (("steps", Steps), ("makespan", Makespan)):
        said = f"cost '{kind}:{cores}': '{cores}' is no number of cores from 1 to 1024: write e.g. {kind}:4"
        with pytest.raises(InputError, match=f"^{said}$"):
            cost(fabric, np.ones(2), cores)


@pytest.mark.parametrize(
    "number", ["04", "1000000000", "9" * 5000, "-1", "0", "1.0", "٤", "4 ", "4:4", "1025"]
)
def test_a_number_of_cores_has_one_spelling_and_a_bound(number):
    for kind in ("steps", "makespan"):
        with pytest.raises(InputError, match="is no number of cores from 1 to 1024: write e.g. " + kind):
            cores_of(f"{kind}:{number}")


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_times_that_are_none_are_refused_with_their_edges(wrong):
    fabric = graph("xa", "ay")
    with pytest.raises(
        InputError, match=r"'makespan:2': a duration must be finite and not negative, but it is on a->y#1 \("
    ):
        Makespan(fabric, np.array([1.0, wrong]), 2)
    with pytest.raises(
        InputError,
        match=r"'makespan:2': a transfer time must be finite and not negative, but it is on x->a#0 "
        r"\(.*a->y#1",
    ):
        Makespan(fabric, np.ones(2), 2, transfer=wrong)


@settings(max_examples=60)
@given(small_fabrics(max_edges=10, max_inner=5, max_targets=2), st.integers(1, 3), st.data())
def test_a_sample_costs_what_its_pruned_network_costs(
    fabric: Fabric, cores: int, data: st.DataObject
) -> None:
    """Ties go by what survives pruning: the pruned fabric's nodes stand on other
    levels, and its edges in another order.
    """
    profile = profile_fabric(fabric)
    live = live_edges(fabric.sweep, every_sample(fabric))
    live = live[connected(fabric, live).all(axis=1)]
    mask = live[data.draw(st.integers(0, len(live) - 1))]
    pruned = profile_fabric(prune(profile, mask))
    assert (
        Steps(fabric, profile.macs, cores).of(mask[None])[0] == Steps(pruned.fabric, pruned.macs, cores).total
    )
    durations = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=len(mask), max_size=len(mask))), dtype=float
    )
    of_name = dict(zip([edge.name for edge in fabric.edges], durations, strict=True))
    own = np.array([of_name[edge.name] for edge in pruned.fabric.edges])
    for transfer in (0.0, 1.0):
        whole = Makespan(pruned.fabric, own, cores, transfer).total
        assert Makespan(fabric, durations, cores, transfer).of(mask[None])[0] == pytest.approx(whole)
