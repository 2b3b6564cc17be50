"""Costs of the user's own: what the function gets, how often it is called, and every
mistake one can make with it.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import random_samples, small_fabrics
from tiny import DIGITS, fabric_of

from bsngraph.cli.main import cli
from bsngraph.costs import price
from bsngraph.costs.user_costs import BlackBox, load_user_cost
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, live_edges
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric, prune

several = small_fabrics(max_edges=10, max_sources=2, max_targets=2, inner_targets=True, costs=True)


@pytest.fixture
def profile(tmp_path):
    return profile_fabric(fabric_of(DIGITS, tmp_path))


def whole(profile) -> np.ndarray:
    return np.ones((1, len(profile.fabric.edges)), dtype=np.bool_)


def four(profile) -> np.ndarray:
    """Four samples of live edges: each of the parallel edges by itself, and two at
    once.
    """
    rows = np.repeat(profile.fabric.fixed[None], 4, axis=0)
    first, second, third = profile.fabric.searchable
    for row, kept in enumerate([[first], [second], [third], [first, second]]):
        rows[row, kept] = True
    return rows


# --- what it gets and what it is worth


@settings(max_examples=30)
@given(several, st.data())
def test_a_sum_written_by_the_user_is_the_sum_of_the_table(fabric, data):
    profile = profile_fabric(fabric)
    live = live_edges(fabric.sweep, data.draw(random_samples(fabric, batch=9)))
    for name, function in {
        "own_macs": lambda architecture: sum(edge.computed["macs"] for edge in architecture.edges),
        "own_params": lambda architecture: sum(edge.computed["params"] for edge in architecture.edges),
        "own_energy": lambda architecture: sum(edge.costs["energy"] for edge in architecture.edges),
    }.items():
        box, cost = BlackBox(name, function, profile), price(profile, name.removeprefix("own_"))
        assert box.of(live) == pytest.approx(cost.of(live))
        assert box.total == pytest.approx(cost.total)
        assert box.unit == ""


@settings(max_examples=20)
@given(several, st.data())
def test_what_it_gets_is_the_pruned_fabric_and_compiles(fabric, data):
    profile = profile_fabric(fabric)
    live = live_edges(fabric.sweep, data.draw(random_samples(fabric, batch=3)))
    seen: list[Fabric] = []
    BlackBox("own", lambda architecture: seen.append(architecture) or 1.0, profile).of(live)
    for architecture in seen:
        kept = np.array([edge.name in architecture.edge_index for edge in fabric.edges])
        assert (live == kept).all(axis=1).any()
        assert all(edge.fixed for edge in architecture.edges)
        if all(architecture.incoming[target] for target in architecture.target_indices):
            assert architecture == prune(profile, kept)
            assert all(node.tensor is not None for node in architecture.nodes)
            compile_fabric(architecture, seed=0)


def test_each_architecture_is_asked_about_once_whatever_the_batch(profile):
    calls: list[frozenset[str]] = []

    def count(architecture: Fabric) -> int:
        calls.append(frozenset(edge.name for edge in architecture.edges))
        return len(architecture.edges)

    box = BlackBox("count", count, profile)
    random = np.random.default_rng(0)
    live = live_edges(profile.fabric.sweep, random.random((200, len(profile.fabric.edges))) < 0.7)
    for batch in (live[:100], live[100:], live):
        assert (box.of(batch) == batch.sum(axis=1)).all()
    assert len(calls) == len(set(calls)) == len({row.tobytes() for row in live if row.any()})


def test_no_live_edges_cost_nothing_and_are_not_asked_about(profile):
    box = BlackBox("own", lambda architecture: 1 / 0, profile)
    assert box.of(np.zeros((3, len(profile.fabric.edges)), dtype=np.bool_)).tolist() == [0, 0, 0]
    assert box.of(np.zeros((0, len(profile.fabric.edges)), dtype=np.bool_)).shape == (0,)


def test_what_is_remembered_is_bounded_and_the_longest_unused_goes(profile):
    calls = []
    box = BlackBox(
        "own", lambda architecture: calls.append(1) or len(architecture.edges), profile, remembered=2
    )
    rows = four(profile)
    assert box.of(rows).tolist() == [3, 3, 3, 4], "a batch may be larger than the memory"
    box.of(rows[2:4])
    assert len(calls) == 4
    box.of(rows[2:3])
    box.of(rows[:1])  # drops row 3
    box.of(rows[2:3])
    assert len(calls) == 5
    box.of(rows[3:4])
    assert len(calls) == 6


@pytest.mark.parametrize("value", [0, 3, 2.5, np.float32(2.5), np.int64(7)])
def test_any_real_number_is_a_cost(profile, value):
    assert BlackBox("own", lambda architecture: value, profile).total == float(value)


# --- what goes wrong


def refused(profile, function, **more) -> str:
    with pytest.raises(InputError) as caught:
        BlackBox("own", function, profile, code="own.py:f", **more).of(whole(profile))
    text = str(caught.value)
    assert text.startswith("cost 'own' (own.py:f) for an architecture of 5 edges and 696 MACs "), text
    return text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "gave nan: a cost is a finite number, 0 or more"),
        (float("inf"), "gave inf: a cost is a finite number, 0 or more"),
        (-0.5, "gave -0.5: a cost is a finite number, 0 or more"),
        (10**400, "gave inf: a cost is a finite number, 0 or more"),
        (None, "gave None of type NoneType: it must give a number"),
        ("3", "gave '3' of type str: it must give a number"),
        (True, "gave True of type bool: it must give a number"),
        (1j, "gave 1j of type complex: it must give a number"),
        (np.ones(3), "gave array([1., 1., 1.]) of type ndarray: it must give a number"),
    ],
)
def test_what_is_no_cost_is_said_with_the_architectures_size(profile, value, said):
    assert refused(profile, lambda architecture: value).endswith(said)


def test_what_takes_too_long_is_given_up(profile):
    go_on, calls = threading.Event(), []

    def slow(architecture: Fabric) -> float:
        calls.append(1)
        go_on.wait(20)
        return 1.0

    with pytest.raises(
        InputError, match=r"gave nothing in 0\.05 s: make it faster, or allow more by --cost-timeout"
    ):
        BlackBox("own", slow, profile, timeout_s=0.05).of(four(profile))
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "bsngraph cost":
            thread.join(5)
    assert calls == [1], "what was given up does not go on with the next architecture"


def test_a_late_function_that_catches_everything_is_given_up_as_well(profile):
    def stubborn(architecture: Fabric) -> float:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                time.sleep(0.01)
            except BaseException:
                continue
        return 1.0

    refused(profile, stubborn, timeout_s=0.02)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_positive_number(profile, seconds):
    with pytest.raises(InputError, match="must be a positive number of seconds"):
        BlackBox("own", lambda architecture: 1.0, profile, timeout_s=seconds)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("latency", "'latency' is computed already"),
        ("macs", "'macs' is computed already"),
        ("energy", "'energy' stands in the fabric's file as cost_energy"),
        ("a b", "'a b' cannot name a cost"),
        ("steps:4", "'steps:4' cannot name a cost"),
        ("4ms", "'4ms' cannot name a cost"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(profile, name, said):
    with pytest.raises(InputError, match=said):
        BlackBox(name, lambda architecture: 1.0, profile)
    with pytest.raises(InputError, match=said):
        load_user_cost(f"{name}=missing.py:f", profile)


# --- from a file


def own(folder: Path, text: str, name: str = "own.py") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_function_is_loaded_from_a_file_without_leaving_anything_beside_it(profile, tmp_path):
    code = own(tmp_path, "SCALE = 3\ndef edges(architecture):\n    return SCALE * len(architecture.edges)\n")
    box = load_user_cost(f"count={code}:edges", profile)
    assert (box.name, box.total, box.code) == ("count", 15, f"{code}:edges")
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize(
    "text", ["", "count", "count=", "=own.py:f", "count=own.py", "count=own.py:", "count=:f"]
)
def test_what_does_not_read_as_a_cost_is_told_how_to(profile, text):
    with pytest.raises(
        InputError, match=r"does not read NAME=FILE\.py:FUNCTION: write --cost NAME=FILE\.py:FUNCTION, e\.g\."
    ):
        load_user_cost(text, profile)


@pytest.mark.parametrize(
    ("text", "function", "said"),
    [
        ("def f(a):\n    return 1\nx = 2\n", "g", "own.py has no function 'g': it has f"),
        ("x = 2\n", "x", "own.py has no function 'x': it has none"),
        ("def f(a:\n", "f", "own.py, line 1: SyntaxError: "),
        (
            "import no_such_module\n",
            "f",
            "own.py, line 1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("exit(3)\n", "f", "own.py, line 1: SystemExit: 3"),
    ],
)
def test_a_file_that_fails_is_named_with_the_line(profile, tmp_path, text, function, said):
    with pytest.raises(InputError) as caught:
        load_user_cost(f"own={own(tmp_path, text)}:{function}", profile)
    assert said in str(caught.value)


def test_files_that_are_not_there_or_not_python_are_said(profile, tmp_path):
    with pytest.raises(InputError, match=r"absent\.py: cannot be read \(No such file or directory\)"):
        load_user_cost(f"own={tmp_path}/absent.py:f", profile)
    with pytest.raises(InputError, match=r"own\.txt is no Python file: write --cost"):
        load_user_cost(f"own={own(tmp_path, '', 'own.txt')}:f", profile)


@pytest.mark.parametrize(
    "raised", ["KeyError('joules')", "SystemExit(1)", "KeyboardInterrupt()", "StopIteration()"]
)
def test_a_function_that_raises_is_named_with_its_line(profile, tmp_path, raised):
    code = own(tmp_path, f"def helper(a):\n    raise {raised}\n\ndef f(a):\n    return helper(a)\n")
    box = load_user_cost(f"own={code}:f", profile)
    with pytest.raises(InputError) as caught:
        box.of(whole(profile))
    assert (
        f"for an architecture of 5 edges and 696 MACs failed: {code}, line 2: {raised.partition('(')[0]}"
        in str(caught.value)
    )
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "a.edges[0].computed['macs'] = 0",
        "a.edges[0].computed.clear()",
        "a.edges[0].fixed = False",
        "a.nodes[0].style['color'] = 'red'",
        "a.edges[0].costs.update(energy=0)",
        "a.name = 'other'",
    ],
)
def test_a_function_that_changes_the_architecture_is_told(profile, tmp_path, change):
    code = own(tmp_path, f"def f(a):\n    {change}\n    return 1\n")
    with pytest.raises(InputError, match=r"own\.py, line 2: (TypeError|FrozenInstanceError): "):
        load_user_cost(f"own={code}:f", profile).of(whole(profile))


def test_a_function_that_changes_what_a_fabric_has_worked_out_changes_nothing_else(profile):
    def spoils(architecture: Fabric) -> int:
        edges = len(architecture.edge_index)
        architecture.edge_index.clear()
        architecture.node_index.clear()
        return edges

    box = BlackBox("own", spoils, profile, remembered=0)
    assert [box.of(whole(profile)).tolist() for _ in range(2)] == [[5], [5]]
    assert len(profile.fabric.edge_index) == 5


def test_a_function_that_overrides_what_is_read_only_changes_nothing_of_ours(profile):
    def forces(architecture):
        for edge in architecture.edges:
            dict.clear(edge.computed)
            object.__setattr__(edge, "arguments", {})
        object.__setattr__(architecture, "edges", ())
        return 1.0

    cost = BlackBox("own", forces, profile)
    live = np.ones((1, len(profile.fabric.edges)), dtype=bool)
    assert cost.of(live).tolist() == [1.0]
    less = live_edges(profile.fabric.sweep, live & (np.arange(live.shape[1]) > 0))
    assert set(cost.of(less).tolist()) <= {0.0, 1.0}
    assert all(edge.computed["macs"] >= 0 for edge in cost._annotated.edges)


def test_what_a_function_prints_stays_out_of_the_facts_that_a_command_prints(tmp_path):
    code = own(tmp_path, "print('loaded')\ndef f(a):\n    print('asked')\n    return len(a.edges)\n")
    fabric = own(tmp_path, DIGITS, "fabric.dot")
    arguments = ["check", fabric, "--cost", f"count={code}:f", "--budget", "count=4", "--format", "json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["costs"]["count"]["cheapest"] == 3
    assert {"loaded", "asked"} <= set(done.stderr.split())
