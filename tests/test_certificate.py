"""certificate.json: costs counted on the built network against those of the table, and
every change of a run's files found.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import networkx as nx
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import random_samples, small_fabrics
from safetensors.torch import load_file, save_file
from tiny import DIGITS, fabric_of

from bsngraph.certificate import (
    Means,
    Verification,
    covering,
    make_certificate,
    simulate,
    verify_certificate,
)
from bsngraph.certificate.certificate import recount, seal
from bsngraph.cli.main import cli
from bsngraph.costs import complete_costs
from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps
from bsngraph.delivered import ModelFacts, load_network
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric, connected, fabric_from_networkx, live_edges, write_fabric
from bsngraph.measure import Timing
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import BudgetClaim, Certificate
from bsngraph.runs.rows.config import AskedBudget, AskedCosts, DataFacts, SplitSizes, TrainConfig
from bsngraph.runs.rows.result import BudgetResult, CostResult, EdgeCounts, RunResult, SplitScores
from bsngraph.runs.run_folder import file_text
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric, named_weights, prune
from bsngraph.typed_files import decode_row, plain

several = small_fabrics(max_edges=10, max_sources=2, max_targets=2, inner_targets=True, costs=True)


def clock(net: SuperNet) -> Timing:
    return Timing(2.0, 1.5, 3.0, 10)


MEANS = Means(threads=1, own={"edges": lambda architecture: len(architecture.edges)}, measure=clock)
BUDGETS = (
    BudgetClaim("macs=1k", "macs", 1000.0),
    BudgetClaim("steps:2=4", "steps:2", 4.0),
    BudgetClaim("latency=5ms", "latency", 5.0),
    BudgetClaim("edges=5", "edges", 5.0),
    BudgetClaim("params~=200", "params", 200.0, "~="),
)


def asked(budgets: Sequence[BudgetClaim]) -> tuple[AskedBudget, ...]:
    """Budgets as config.json has them."""
    return tuple(
        AskedBudget(text=each.text, cost=each.cost, relation=each.relation, limit=each.limit)
        for each in budgets
    )


FACTS = ModelFacts("classification", tuple("0123456789"), (0.0,), (1.0,))
CONFIG = TrainConfig(
    fabric="tiny_digits",
    data=DataFacts(
        name="digits",
        task="classification",
        ignore_label=None,
        classes=FACTS.classes,
        mean=FACTS.mean,
        std=FACTS.std,
        fingerprint="0" * 16,
        examples=SplitSizes(train=2, validation=1, test=1),
    ),
    budgets=asked(BUDGETS),
    costs=AskedCosts(own=(), timeout_s=10.0, latency_batch=1),
    recipe=Recipe(),
    settings=SearchSettings(),
    seed=3,
    device="cpu",
    threads=1,
    versions={"bsngraph": "0"},
)


def result_of(certificate: Certificate) -> RunResult:
    """What a run whose fabric is its network would say of it."""
    scores: Any = {"accuracy": 0.5, "loss": 0.7}
    return RunResult(
        task="classification",
        metrics=SplitScores(validation=scores, test=scores),
        costs={
            name: CostResult(
                value=cost.value, unit=cost.unit, fabric=cost.value, cheapest=cost.value, proved=True
            )
            for name, cost in certificate.costs.items()
        },
        budgets=tuple(
            BudgetResult(
                cost=each.cost,
                relation=each.relation,
                limit=each.limit,
                value=each.value,
                met=each.met is True,
            )
            for each in certificate.budgets
        ),
        edges=EdgeCounts(kept=0, searchable=0, fixed=5),
        seconds=1.5,
        seed=3,
    )


def delivered(folder: Path, fabric: Fabric) -> Path:
    """A folder with what a run delivers: every edge of the fabric, fixed."""
    folder.mkdir(exist_ok=True)
    net = compile_fabric(prune(fabric, np.ones(len(fabric.edges), dtype=np.bool_)), seed=0)
    write_fabric(net.profile.annotated(), folder / "architecture.dot")
    tensors = {name: tensor.clone() for name, tensor in named_weights(net).items()}
    save_file(tensors, folder / "model.safetensors", metadata=FACTS.metadata())
    return folder


@pytest.fixture(scope="module")
def certified(tmp_path_factory) -> Path:
    """A run folder with a certificate; not to be changed."""
    folder = delivered(
        tmp_path_factory.mktemp("certified"), fabric_of(DIGITS, tmp_path_factory.mktemp("fabric"))
    )
    run = RunFolder(folder)
    run.write_json("config.json", CONFIG)
    run.write_json("splits.json", {"numbering": "all", "train": [0, 1], "validation": [2], "test": [3]})
    unfinished = make_certificate(folder, BUDGETS, MEANS)
    result = result_of(unfinished)
    run.write_json("certificate.json", covering(unfinished, "result.json", file_text("result.json", result)))
    run.write_json("result.json", result)
    return folder


@pytest.fixture
def run(certified, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(certified, tmp_path / "run"))


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def failed(verification: Verification) -> set[str]:
    return {check.name for check in verification.checks if check.ok is False}


# --- the costs


@settings(max_examples=25)
@given(several)
def test_costs_counted_on_the_network_are_those_of_the_table(fabric):
    profile = profile_fabric(fabric)
    net = compile_fabric(profile, seed=0).eval()
    costs = recount(net, [], Means())
    for cost in complete_costs(profile):
        assert costs[cost.name].value == pytest.approx(cost.total), cost.name
        assert costs[cost.name].unit == cost.unit
    assert costs["bytes"].value == sum(
        tensor.numel() * tensor.element_size() for tensor in net.state_dict().values()
    )


@settings(max_examples=25)
@given(several, st.integers(1, 3), st.data())
def test_schedules_and_memory_of_a_sample_are_those_of_its_own_network_run(fabric, cores, data):
    profile = profile_fabric(fabric)
    live = live_edges(fabric.sweep, data.draw(random_samples(fabric, batch=1)))
    assume(connected(fabric, live).all())
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    durations, transfers = random.random((2, len(fabric.edges)))
    durations[random.random(len(durations)) < 0.3] = 0
    net = compile_fabric(prune(profile, live[0]), seed=0)
    index = [fabric.edge_index[edge.name] for edge in net.fabric.edges]
    costs = recount(net, [f"steps:{cores}"], Means())
    assert costs[f"steps:{cores}"].value == Steps(fabric, profile.macs, cores).of(live)[0]
    assert costs["memory"].value == PeakMemory(profile).of(live)[0]
    found = simulate(net.fabric, list(durations[index]), cores, list(transfers[index]))
    assert found == pytest.approx(Makespan(fabric, durations, cores, transfers).of(live)[0])


def test_memory_is_what_is_alive_at_the_worst_moment():
    graph = nx.MultiDiGraph(source="x", target="y", edge={"op": "conv", "kernel": 1, "norm": "none"})
    graph.add_node("x", input="1x10x10")  # 400 bytes
    graph.add_edge("x", "a", channels=4)  # 1600
    graph.add_edge("a", "b", channels=2)  # 800
    graph.add_edge("a", "b", channels=2)  # 800, made while a and the other are still there
    graph.add_edge("b", "y", channels=1)  # 400
    costs = recount(compile_fabric(fabric_from_networkx(graph), seed=0), [], Means())
    assert costs["memory"].value == 400 + 1600 + 800 + 800


# --- the simulation


def chained(text: str, durations: dict[str, float], cores: int) -> float:
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x4x4")
    for ends in text.split():
        graph.add_edge(ends[0], ends[1], op="identity")
    fabric = fabric_from_networkx(graph)
    return simulate(fabric, [durations.get(edge.source + edge.target, 0.0) for edge in fabric.edges], cores)


def test_the_simulation_gives_what_one_finds_by_hand():
    diamond = "xa xb ay by"
    ones = dict.fromkeys(diamond.split(), 1.0)
    assert [chained(diamond, ones, cores) for cores in (1, 2, 9)] == [4, 2, 2]
    assert chained(diamond, {"xa": 1.0, "by": 1.0}, 1) == 2, "edges that take nothing need no core"
    assert chained(diamond, {"xa": 1.0, "by": 1.0}, 2) == 1, "and wait for nobody but their source"
    # One long chain and two short ones on two cores: the long one must start first, or
    # it ends after the fourth step.
    forked = "xa ab by xc xd cy dy"
    assert chained(forked, {"xa": 1, "ab": 1, "by": 1, "xc": 1, "xd": 1}, 2) == 3
    assert chained("xy xy xy", {"xy": 2.5}, 2) == 5


def test_a_result_is_on_other_cores_after_its_transfer():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x4x4")
    for ends in ("xa", "xb", "ay", "by"):
        graph.add_edge(ends[0], ends[1], op="identity")
    fabric = fabric_from_networkx(graph)

    def takes(transfer: float, cores: int = 2) -> float:
        return simulate(fabric, [1.0] * 4, cores, [transfer] * 4)

    assert (takes(0), takes(0.5), takes(9, cores=1)) == (2, 2.5, 4), (
        "two branches that meet at the target, on one core in the end"
    )
    assert takes(9) == 11, "the greedy rule does not foresee what the last transfer takes"


@settings(max_examples=40)
@given(several, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_simulation_lies_between_what_no_schedule_beats_and_what_the_greedy_one_promises(
    fabric, cores, seed
):
    durations = np.random.default_rng(seed).integers(0, 4, len(fabric.edges)).astype(float)
    ends = [0.0] * len(fabric.nodes)
    for node, incoming in enumerate(fabric.incoming):
        ends[node] = max(
            [ends[fabric.endpoints[edge][0]] + durations[edge] for edge in incoming], default=0.0
        )
    critical, total = max(ends), float(durations.sum())
    found = simulate(fabric, list(durations), cores)
    # Graham 1969
    assert max(critical, total / cores) - 1e-9 <= found <= critical + (total - critical) / cores + 1e-9
    assert simulate(fabric, list(durations), 1) == total
    assert simulate(fabric, list(durations), len(fabric.edges)) == critical


# --- a certificate


def test_a_certificate_says_costs_budgets_versions_and_hashes(certified):
    certificate = read(certified / "certificate.json")
    profile = load_network(certified).profile
    assert certificate["costs"]["macs"]["value"] == profile.macs.sum()
    assert certificate["costs"]["energy"]["value"] == 9
    assert certificate["costs"]["edges"]["value"] == 5
    latency = certificate["costs"]["latency"]
    assert (latency["value"], latency["low"], latency["high"], latency["conditions"]["threads"]) == (
        2.0,
        1.5,
        3.0,
        1,
    )
    judged = {
        budget["cost"]: (budget["value"], budget["slack"], budget["met"]) for budget in certificate["budgets"]
    }
    assert judged == {
        "macs": (696, 304.0, True),
        "steps:2": (3.0, 1.0, True),
        "latency": (2.0, 3.0, True),
        "edges": (5.0, 0.0, True),
        "params": (238, -38.0, None),
    }
    assert certificate["versions"].keys() == {"bsngraph", "torch", "python"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", certificate["date"])
    assert certificate["seal"] == seal(RunFolder(certified).read_certificate())
    assert set(certificate["files"]) == {path.name for path in certified.iterdir()} - {"certificate.json"}


def test_it_is_the_same_each_time_but_for_the_date(certified):
    one, other = read(certified / "certificate.json"), plain(make_certificate(certified, BUDGETS, MEANS))
    for certificate in (one, other):
        del certificate["date"], certificate["seal"]
    assert one == json.loads(json.dumps(other))


def test_a_budget_that_is_not_met_is_said(certified, run):
    certificate = make_certificate(run, [BudgetClaim("macs=10", "macs", 10.0)], MEANS)
    assert certificate.budgets[0].met is False
    RunFolder(run).write_json("certificate.json", certificate)
    assert "budget macs=10" in failed(verify_certificate(run, MEANS))


def test_makespan_goes_by_the_durations_given_and_keeps_them(run):
    edges = [edge.name for edge in load_network(run).fabric.edges]
    budget = BudgetClaim("makespan:1=100ms", "makespan:1", 100.0)
    means = Means(durations_ms=dict.fromkeys(edges, 1.5))
    for name in ("config.json", "result.json"):
        (run / name).unlink()
    certificate = make_certificate(run, [budget], means)
    assert certificate.costs["makespan:1"].value == 1.5 * len(edges)
    RunFolder(run).write_json("certificate.json", certificate)
    assert verify_certificate(run).ok
    with pytest.raises(InputError, match="there is no duration of"):
        make_certificate(run, [budget], Means(durations_ms={edges[0]: 1.0}))


def test_makespan_goes_by_the_files_own_durations(tmp_path):
    text = DIGITS.replace("cost_energy", "cost_duration_ms").replace(
        "image -> a [", "image -> a [cost_transfer_ms=1, "
    )
    run = delivered(tmp_path / "run", fabric_of(text, tmp_path))
    certificate = make_certificate(run, [BudgetClaim("makespan:2=9ms", "makespan:2", 9.0)])
    entry = certificate.costs["makespan:2"]
    assert (entry.value, entry.durations_ms) == (1 + 5 + 1, None)


@pytest.mark.parametrize("cost", ["makespan:2", "mystery", "steps:many"])
def test_a_budget_whose_cost_nothing_counts_is_refused(run, cost):
    with pytest.raises(InputError, match=f"nothing is known that counts the cost of {cost}=3"):
        make_certificate(run, [BudgetClaim(f"{cost}=3", cost, 3.0)])


# --- its verification


def test_an_untouched_run_is_verified(certified):
    verification = verify_certificate(certified, MEANS)
    assert failed(verification) == set()
    assert verification.ok
    stated = {check.name for check in verification.checks if check.ok is None}
    assert stated == {"latency"}, "a latency is stated, not promised"
    assert json.loads(json.dumps(verification.to_json()))["ok"] is True


def test_a_latency_of_another_machine_is_stated(run):
    certificate(lambda c: c["costs"]["latency"]["conditions"].update(device="cuda:77"), sealed=True)(run)
    (check,) = [check for check in verify_certificate(run, MEANS).checks if check.name == "latency"]
    assert (check.ok, "cannot be measured here" in check.found) == (None, True)


def test_an_own_cost_whose_code_is_not_named_is_stated(certified):
    (check,) = [
        check
        for check in verify_certificate(certified, Means(measure=clock)).checks
        if check.name == "cost edges"
    ]
    assert (check.ok, check.found) == (None, "not counted: what it needs is not given")


def one_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("weight"))
    weights[name].view(-1)[0] += 1e-3
    save_file(weights, folder / "model.safetensors", metadata=FACTS.metadata())


def repacked(folder: Path) -> None:
    save_file(
        load_file(folder / "model.safetensors"),
        folder / "model.safetensors",
        metadata=FACTS.metadata() | {"repacked": "yes"},
    )


def resized(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: torch.zeros(*tensor.shape, 2) for name, tensor in weights.items()},
        folder / "model.safetensors",
        metadata=FACTS.metadata(),
    )


def graph(replaced: str, by: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / "architecture.dot").read_text(encoding="utf-8")
        assert replaced in text
        (folder / "architecture.dot").write_text(text.replace(replaced, by, 1), encoding="utf-8")

    return change


def certificate(change: Callable[[Any], Any], *, sealed: bool = False) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        value = read(folder / "certificate.json")
        change(value)
        rest = {name: part for name, part in value.items() if name != "seal"}
        text = json.dumps(rest, sort_keys=True)
        again = {"seal": hashlib.sha256(text.encode()).hexdigest()} if sealed else {}
        write(folder / "certificate.json", value | again)

    return apply


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (one_weight, {"file model.safetensors", "weights"}),
        (repacked, {"file model.safetensors"}),
        (resized, {"file model.safetensors", "network"}),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"),
            {"file model.safetensors", "facts of model.safetensors", "network"},
        ),
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            {"file model.safetensors", "facts of model.safetensors", "network"},
        ),
        (
            lambda folder: (folder / "architecture.dot").write_text("digraph {"),
            {"file architecture.dot", "network"},
        ),
        (
            graph('cost_energy="2.0"', 'cost_energy="3.0"'),
            {"file architecture.dot", "cost energy", "result.json energy"},
        ),
        (certificate(lambda c: c.update(date="2020-01-01T00:00:00+00:00")), {"seal"}),
        (
            certificate(lambda c: c["costs"]["macs"].update(value=600)),
            {"seal", "cost macs", "result.json, budget on macs"},
        ),
        (
            certificate(lambda c: c["costs"]["macs"].update(value=600), sealed=True),
            {"cost macs", "result.json, budget on macs"},
        ),
        (
            certificate(lambda c: c["costs"]["steps:2"].update(value=2), sealed=True),
            {"cost steps:2", "result.json, budget on steps:2"},
        ),
        (
            certificate(lambda c: c["costs"]["edges"].update(value=2), sealed=True),
            {"cost edges", "result.json, budget on edges"},
        ),
        (
            certificate(lambda c: c["budgets"][0].update(limit=2000.0), sealed=True),
            {"budgets of config.json", "budgets of result.json", "budget macs=1k"},
        ),
        (certificate(lambda c: c["budgets"][0].update(met=False), sealed=True), {"budget macs=1k"}),
        (
            certificate(lambda c: c["budgets"].pop(), sealed=True),
            {"budgets of config.json", "budgets of result.json"},
        ),
    ],
)
def test_every_change_is_found(run, change, found):
    change(run)
    assert failed(verify_certificate(run, MEANS)) == found


def edited(name: str, change: Callable[[Any], Any], *, sealed: bool = False) -> Callable[[Path], None]:
    """A change of a JSON file; `sealed` by somebody who makes the certificate anew."""

    def apply(folder: Path) -> None:
        value = read(folder / name)
        change(value)
        write(folder / name, value)
        if sealed:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            certificate(lambda c: c["files"].update({name: digest}), sealed=True)(folder)

    return apply


BELIEVED = [
    ("result.json", lambda r: r["budgets"][0].update(limit=2000.0), {"budgets of result.json"}),
    ("result.json", lambda r: r["budgets"][0].update(value=1.0), {"result.json, budget on macs"}),
    ("result.json", lambda r: r["budgets"][0].update(met=False), {"result.json, budget on macs"}),
    (
        "result.json",
        lambda r: r["costs"]["macs"].update(value=1.0),
        {"result.json macs", "result.json, budget on macs"},
    ),
    ("result.json", lambda r: r["costs"]["params"].update(fabric=1e6), set()),
    ("result.json", lambda r: r["edges"].update(fixed=4), set()),
    ("result.json", lambda r: r.update(seed=4), {"seed"}),
    ("result.json", lambda r: r.update(task="regression"), {"task"}),
    ("result.json", lambda r: r["metrics"]["test"].update(accuracy=1.0), set()),
    ("config.json", lambda c: c["budgets"][0].update(relation="~="), {"budgets of config.json"}),
    ("config.json", lambda c: c.update(seed=4), {"seed"}),
    ("config.json", lambda c: c["data"].update(fingerprint="1" * 16), set()),
    ("config.json", lambda c: c["data"]["examples"].update(train=9), {"examples of splits.json"}),
    ("config.json", lambda c: c["recipe"].update(epochs=7), set()),
    ("config.json", lambda c: c["settings"].update(finalists=3), set()),
    ("config.json", lambda c: c["settings"].update(finalists=-3), {"config.json"}),
]


@pytest.mark.parametrize(("name", "change", "found"), BELIEVED)
def test_every_edit_of_what_a_reader_believes_is_found(run, name, change, found):
    edited(name, change)(run)
    assert failed(verify_certificate(run, MEANS)) == {f"file {name}"} | found


@pytest.mark.parametrize(("name", "change", "found"), [row for row in BELIEVED if row[2]])
def test_what_can_be_counted_again_is_found_even_if_it_is_sealed_again(run, name, change, found):
    edited(name, change, sealed=True)(run)
    assert failed(verify_certificate(run, MEANS)) == found


@pytest.mark.parametrize("name", ["config.json", "splits.json", "result.json"])
def test_a_file_that_is_missing_or_was_added_is_found(run, name):
    content = (run / name).read_bytes()
    (run / name).unlink()
    assert failed(verify_certificate(run, MEANS)) == {f"file {name}"}
    certificate(lambda c: c["files"].pop(name), sealed=True)(run)
    assert verify_certificate(run, MEANS).ok
    (run / name).write_bytes(content)
    assert failed(verify_certificate(run, MEANS)) == {f"file {name}"}


def test_limits_are_what_their_texts_mean_on_the_fabric_that_was_searched(certified, run):
    shutil.copy(run / "architecture.dot", run / "fabric.dot")
    share = (BudgetClaim("macs=50%", "macs", 348.0), BudgetClaim("steps:2=3", "steps:2", 3.0))
    for name in ("config.json", "result.json"):
        (run / name).unlink()
    RunFolder(run).write_json("config.json", msgspec.structs.replace(CONFIG, budgets=asked(share)))
    RunFolder(run).write_json("certificate.json", make_certificate(run, share, MEANS))
    checks = {check.name: check.ok for check in verify_certificate(run, MEANS).checks}
    assert (checks["limit of macs=50%"], checks["limit of steps:2=3"]) == (True, True)
    wider = (BudgetClaim("macs=50%", "macs", 700.0), BudgetClaim("steps:2=3", "steps:2", 3.0))
    RunFolder(run).write_json("config.json", msgspec.structs.replace(CONFIG, budgets=asked(wider)))
    RunFolder(run).write_json("certificate.json", make_certificate(run, wider, MEANS))
    assert failed(verify_certificate(run, MEANS)) == {"limit of macs=50%"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2}',
        "[" * 10_000,
        '{"format": 2, "versions": {}, "files": {}, "costs": {"macs": 3}, "budgets": []}',
    ],
)
def test_what_is_no_certificate_is_said(run, text):
    (run / "certificate.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"certificate\.json: .* at \$"):
        verify_certificate(run, MEANS)


@pytest.mark.parametrize(
    "conditions", [{"threads": 10**9}, {"batch": 10**9}, {"batch": 0}, {"threads": "many"}, []]
)
def test_conditions_that_would_take_the_machine_down_are_refused(run, conditions):
    certificate(lambda c: c["costs"]["latency"].update(conditions=conditions), sealed=True)(run)
    with pytest.raises(InputError, match=r"certificate\.json: .* at \$\.costs\.latency\.conditions"):
        verify_certificate(run, MEANS)


def test_a_missing_certificate_and_another_format_are_said(run):
    certificate(lambda c: c.update(format=3))(run)
    with pytest.raises(
        InputError, match=r"its format at \$\.format is 3, and this version reads 2: verify it with the"
    ):
        verify_certificate(run, MEANS)
    (run / "certificate.json").unlink()
    with pytest.raises(InputError, match=r"there is no certificate: is .* the folder of a finished run"):
        verify_certificate(run, MEANS)


# --- the command


def without_latency(folder: Path) -> Path:
    """So that the command measures nothing."""
    (folder / "config.json").unlink()
    (folder / "result.json").unlink()
    kept = [budget for budget in BUDGETS if budget.cost != "latency"]
    RunFolder(folder).write_json("certificate.json", make_certificate(folder, kept, MEANS))
    return folder


def test_verify_prints_each_check_and_exits_by_them(run, tmp_path):
    without_latency(run)
    (tmp_path / "own.py").write_text(
        "def edges(architecture):\n    return len(architecture.edges)\n", encoding="utf-8"
    )
    arguments = ["verify", str(run), "--cost", f"edges={tmp_path / 'own.py'}:edges"]
    good = CliRunner().invoke(cli, arguments)
    assert (good.exit_code, "the certificate holds" in good.output) == (0, True), good.output
    as_json = CliRunner().invoke(cli, [*arguments, "--format", "json"])
    facts = json.loads(as_json.output)
    assert (facts["ok"], {check["ok"] for check in facts["checks"]}) == (True, {True})
    one_weight(run)
    bad = CliRunner().invoke(cli, arguments)
    assert (bad.exit_code, "WRONG" in bad.output, "2 of " in bad.output) == (1, True, True), bad.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--budget", "macs=3"], "No such option"),
        (["--cost", "edges"], "does not read NAME=FILE.py:FUNCTION"),
        (["--cost-timeout", "0", "--cost", "edges={own}:edges"], "must be a positive number of seconds"),
    ],
)
def test_wrong_usage_of_it_is_told(run, tmp_path, more, said):
    without_latency(run)
    (tmp_path / "own.py").write_text("def edges(architecture):\n    return 1\n", encoding="utf-8")
    result = CliRunner().invoke(
        cli, ["verify", str(run), *(word.format(own=tmp_path / "own.py") for word in more)]
    )
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_file_in_place_of_a_run_folder_is_told(certified):
    result = CliRunner().invoke(cli, ["verify", str(certified / "architecture.dot")])
    assert (result.exit_code, "is no run folder" in result.output) == (2, True), result.output


def test_the_seal_is_over_what_is_said_not_over_how_it_is_written(certified):
    value = read(certified / "certificate.json")
    turned = json.dumps(dict(reversed(value.items()))).encode()
    assert seal(decode_row(turned, Certificate, "turned")) == value["seal"]
