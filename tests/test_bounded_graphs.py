"""Graphs that a stranger wrote: work grows with their edges and not with the square of
them, or is refused early with the limit named. What takes another way on large fabrics
gives what the small way gives.
"""

from __future__ import annotations

import itertools
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import random_samples, small_fabrics

from bsngraph.cli.main import cli
from bsngraph.costs import AdditiveCost, Budget, Budgets, cheapest, check_budgets, price, spending
from bsngraph.costs.schedules.list_schedule import count_long_steps, count_steps, graph_of
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps
from bsngraph.costs.solving.program import NoAnswerError, solve_choice, time_limit_s
from bsngraph.errors import InfeasibleBudgetError, InputError
from bsngraph.fabric import (
    Architecture,
    Edge,
    Fabric,
    Node,
    few_neighbours,
    live_edges,
    neighbouring_choices,
)
from bsngraph.fabric.families import chain_fabric
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.checkpoint import load_checkpoint

LARGE = 3_000


def named(*names: str) -> tuple[Node, ...]:
    return (Node("x", input=(1, 2, 2)), *map(Node, names), Node("y"))


def edge(source: str, target: str, key: object = 0, **more: object) -> Edge:
    return Edge(source, target, str(key), "identity", **more)


def chain(edges: int, *, options: int = 1, **more: Callable[[int, int], object]) -> Fabric:
    """Nodes in a row, with so many edges from each to the next."""
    nodes = named(*(f"n{number}" for number in range(edges // options - 1)))
    between = [
        edge(one.name, other.name, key, **{word: of(place, key) for word, of in more.items()})
        for place, (one, other) in enumerate(itertools.pairwise(nodes))
        for key in range(options)
    ]
    return Fabric("chain", nodes, tuple(between), ("x",), ("y",))


def parallel(edges: int) -> Fabric:
    return Fabric("parallel", named(), tuple(edge("x", "y", key) for key in range(edges)), ("x",), ("y",))


def fan(edges: int) -> Fabric:
    middle = [f"m{number}" for number in range(edges // 2)]
    ends = [pair for name in middle for pair in ((("x"), name), (name, "y"))]
    return Fabric("fan", named(*middle), tuple(edge(*pair) for pair in ends), ("x",), ("y",))


def one_choice(edges: int) -> Fabric:
    some = tuple(edge("x", "y", key, choice="c") for key in range(edges))
    return Fabric("choice", named(), some, ("x",), ("y",))


KINDS = {
    "chain": chain,
    "parallel": parallel,
    "fan": fan,
    "choice": one_choice,
    "choices": lambda edges: chain(edges, options=2, choice=lambda place, key: f"c{place}"),
    "gates": lambda edges: chain(edges, options=2, gate=lambda place, key: f"g{place % 50}"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
def test_costs_and_the_cheapest_of_a_large_fabric_take_seconds(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With decisions × edges in one matrix this took minutes and gigabytes."""
    monkeypatch.setattr("bsngraph.costs.solving.program._LARGE_TIME_LIMIT_S", 0.0)
    monkeypatch.setattr(sys.modules[cheapest.__module__], "_LEAST_SECONDS", 0.1)
    profile = profile_fabric(KINDS[kind](LARGE))
    for name in ("macs", "memory", "steps:4"):
        cost = price(profile, name)
        found = cheapest(profile.fabric, cost)
        assert found.value <= cost.total
        assert cost.of(found.architecture.mask[None])[0] == found.value


def test_check_of_many_parallel_edges_prints_json(tmp_path: Path) -> None:
    file = tmp_path / "many.dot"
    file.write_text(
        'digraph { source=x; target=y; x [input="1x2x2"];' + "x -> y [op=identity];" * 2_000 + "}"
    )
    done = CliRunner().invoke(cli, ["check", str(file), "--budget", "memory=90%", "--format", "json"])
    assert done.exit_code == 0, done.output
    assert len(done.stdout) > 100_000


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_steps_of_long_samples_are_those_of_short_ones(data: st.DataObject) -> None:
    fabric = data.draw(small_fabrics(max_edges=14, max_sources=2, max_targets=2))
    live = live_edges(fabric.sweep, data.draw(random_samples(fabric, batch=8)))
    works = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(fabric.edges), max_size=len(fabric.edges)))
    )
    graph = graph_of(fabric)
    for cores in (1, 2, 5):
        expected = count_steps(graph, live, works, cores).tolist()
        assert [count_long_steps(graph, row, works, cores) for row in live] == expected


def test_neighbours_that_are_too_many_are_not_made() -> None:
    fabric = parallel(6)
    kept = np.array([True, True, True, False, False, False])
    every = neighbouring_choices(fabric, kept)
    assert len(every) == 6 + 9
    assert few_neighbours(fabric, kept, 14) is None
    assert np.array_equal(few_neighbours(fabric, kept, 15), every)


def detours(count: int) -> Fabric:
    """Short ways beside fixed longer ones, which are live whatever else is: no path
    alone says what is the cheapest.
    """
    nodes, edges, before = [], [], "x"
    for number in range(count):
        middle, end = f"m{number}", f"n{number}"
        nodes += [middle, end]
        edges += [edge(before, end), edge(before, middle, fixed=True), edge(middle, end, fixed=True)]
        before = end
    return Fabric("detours", named(*nodes), (*edges, edge(before, "y")), ("x",), ("y",))


def counting(fabric: Fabric) -> AdditiveCost:
    return AdditiveCost("c", "", np.ones(len(fabric.edges)))


def test_a_program_that_is_too_large_is_refused_with_its_size_and_what_is_found_is_not_called_proved() -> (
    None
):
    small, large = detours(3), detours(4_000)
    assert cheapest(small, counting(small)).proved
    assert cheapest(small, counting(small)).value == 2 * 3 + 1
    weights = counting(large).per_edge
    with pytest.raises(NoAnswerError, match=r"an integer program of [\d,]+ variables .* 50,000 are the most"):
        solve_choice(large, weights, weights)
    found = cheapest(large, counting(large))
    assert not found.proved
    assert found.value == 3 * 4_000 + 1
    enough, too_little = (
        Budgets((Budget(counting(large), limit, f"c={limit}"),)) for limit in (12_001.0, 12_000.0)
    )
    assert check_budgets(large, enough) is not None
    assert check_budgets(large, too_little) is None


def test_a_large_program_gets_less_time() -> None:
    assert time_limit_s(detours(300)) == 60
    assert time_limit_s(detours(1_000)) == 20


def test_choices_that_exclude_each_other_are_no_traceback_where_they_are_too_many() -> None:
    fabric = chain(13_000, options=2, choice=lambda place, key: f"c{(place + key) // 2}")
    with pytest.raises((NoAnswerError, InfeasibleBudgetError)):
        cheapest(fabric, counting(fabric))


def test_schedules_of_too_many_edges_are_refused_with_the_limit_and_steps_are_not() -> None:
    fabric, durations = parallel(33_000), np.ones(33_000)
    with pytest.raises(InputError, match=r"'makespan:4': 33,000 edges take time, and at most 32,700 can be"):
        Makespan(fabric, durations, 4)
    with pytest.raises(InputError, match=r"at most 1,000 can be scheduled on 1,024 cores with transfers"):
        Makespan(fabric, durations, 1024, transfer=1.0)
    assert Steps(fabric, durations, 1000).total == 33


def test_what_each_edge_spends_is_worked_out_in_parts_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profile_fabric(chain(200))
    memory = price(profile, "memory")
    whole = Architecture(200, tuple(range(200)))
    module = sys.modules[spending.__module__]  # the package has a function of this name
    monkeypatch.setattr(module, "_AT_ONCE", 1_000)
    assert spending(profile.fabric, memory, whole).tolist() == [memory.total] * 200
    monkeypatch.setattr(module, "_MOST_EFFORT", 39_999)
    with pytest.raises(InputError, match="what each of 200 edges spends of it would take hours"):
        spending(profile.fabric, memory, whole)


def test_a_family_of_too_many_edges_is_refused() -> None:
    numbers = tuple(range(1, 65))
    with pytest.raises(
        InputError, match=r"stages x layers x candidates=2457900 must lie between 1 and 200000"
    ):
        chain_fabric(
            input_shape=(3, 32, 32),
            classes=10,
            layers=100,
            kernels=tuple(range(1, 256, 2)),
            expansions=numbers,
        )


# --- run folders


class Asks:
    """What a pickle asks to be made when it is read."""

    def __init__(self, maker: Callable[..., object], size: int) -> None:
        self.wanted = maker, (size,)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[int]]:
        return self.wanted


def checkpoint_of(folder: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> RunFolder:
    with zipfile.ZipFile(folder / "checkpoint.pt", "w", compression) as archive:
        archive.writestr("checkpoint/data.pkl", content)
        archive.writestr("checkpoint/version", "3")
    return RunFolder(folder)


@pytest.mark.parametrize(
    ("maker", "named"), [(bytearray, "builtins.bytearray"), (torch.Tensor, "torch.Tensor")]
)
def test_a_checkpoint_that_would_unpack_to_gigabytes_is_refused_before(
    tmp_path: Path, maker: Callable[..., object], named: str
) -> None:
    content = pickle.dumps({"rows": 1, "seconds": 1.0, "search": Asks(maker, 2**32)}, protocol=2)
    run = checkpoint_of(tmp_path, content.replace(b"c__builtin__\n", b"cbuiltins\n"))
    with pytest.raises(InputError, match=rf"cannot be read as a checkpoint \(it names '{named}'"):
        load_checkpoint(run)


def test_a_compressed_checkpoint_is_refused(tmp_path: Path) -> None:
    run = checkpoint_of(tmp_path, bytes(2**20), zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="it has compressed parts, which no run's has"):
        load_checkpoint(run)


def test_a_checkpoint_of_too_many_values_is_refused(tmp_path: Path) -> None:
    run = checkpoint_of(tmp_path, b"\x80\x02]" + b"]a" * 1_100_000 + b".")
    with pytest.raises(InputError, match="it makes more than 2,000,000 values"):
        load_checkpoint(run)


def test_metrics_of_too_many_rows_are_refused_before_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("{}\n" * 200_001)
    with pytest.raises(InputError, match=r"metrics\.jsonl: has more than 200,000 rows"):
        RunFolder(tmp_path).read_metrics()
