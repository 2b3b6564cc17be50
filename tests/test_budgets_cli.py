"""Budgets on the command line: every kind of them, from what is typed to what lies in
the run's folder. Nothing here is timed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tiny import DIGITS, written

from bsngraph import read_fabric
from bsngraph.cli.main import cli
from bsngraph.costs import COSTS
from bsngraph.measure import LatencyTable, Timing, conditions_here
from bsngraph.runs.rows.latencies import Calibration
from bsngraph.searching.choosing.measure_whole import DELIVERED_AGAIN
from bsngraph.supernet import SuperNet

FAST = (
    "--data",
    "digits",
    "--epochs",
    1,
    "--batch-size",
    256,
    "--finetune-epochs",
    0,
    "--candidates",
    2,
    "--finalists",
    0,
    "--threads",
    1,
)

# The tiny fabric with a duration on every edge: stem 1, 1x1 convolution 2, identity 0,
# 3x3 convolution 3, classifier 1.
TIMED = DIGITS
for energy, duration in (
    ("stride=4, fixed=true, cost_energy=1", 1),
    ("cost_energy=2", 2),
    ("cost_energy=0", 0),
    ("cost_energy=5", 3),
):
    TIMED = TIMED.replace(f"{energy}]", f"{energy}, cost_duration_ms={duration}]")
TIMED = TIMED.replace("fixed=true, cost_energy=1]", "fixed=true, cost_energy=1, cost_duration_ms=1]")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz takes longer than a whole search here."""
    monkeypatch.setattr(
        "bsngraph.searching.delivering.pictures.render_dot",
        lambda source, path: path.write_text(source, encoding="utf-8"),
    )


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return written(DIGITS, tmp_path, "tiny.dot")


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def succeeded(*arguments: Any) -> Result:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: Any, code: int = 2) -> str:
    """The one error of a command that does nothing but complain; notes may go before
    it.
    """
    result = invoke(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
    return result.stderr.partition("Error: ")[2].strip()


def budgets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--budget", text)]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(run: Path) -> list[Any]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def met(run: Path) -> dict[str, tuple[float, float, bool]]:
    """Value, limit and verdict of each budget, as result.json has them; the certificate
    must say the same.
    """
    summary, certificate = read(run / "result.json"), read(run / "certificate.json")
    found = {
        budget["cost"]: (budget["value"], budget["limit"], budget["met"]) for budget in summary["budgets"]
    }
    again = {budget["cost"]: (budget["value"], budget["limit"]) for budget in certificate["budgets"]}
    assert again == {cost: (pytest.approx(value), limit) for cost, (value, limit, _) in found.items()}
    return found


# --- several at once


def test_budgets_of_every_kind_hold_at_once_in_search_and_in_prune(fabric: Path, tmp_path: Path) -> None:
    run, smaller = tmp_path / "run", tmp_path / "smaller"
    kinds = budgets(
        "macs=60%",
        "params=0.2k",
        "bytes=0.9kB",
        "memory=99%",
        "steps:1=3",
        "steps:4=3",
        "energy=8",
        "flops=2k",
    )
    succeeded("search", fabric, *FAST, *kinds, "--out", run)
    found = met(run)
    assert set(found) == {"macs", "params", "bytes", "memory", "steps:1", "steps:4", "energy", "flops"}
    assert all(value <= limit and verdict for value, limit, verdict in found.values())
    assert found["energy"][1] == 8
    assert found["bytes"][1] == 900
    assert (
        read(run / "certificate.json")["costs"]["macs"]["value"]
        == read(run / "result.json")["costs"]["macs"]["value"]
    )
    assert "the certificate holds" in succeeded("verify", run).stdout

    succeeded("prune", run, *budgets("macs=20%", "steps:2=2", "energy=3"), "--out", smaller)
    assert [edge.name for edge in read_fabric(smaller / "architecture.dot").edges] == [
        "image->a#0",
        "a->b#1",
        "b->scores#0",
    ]
    assert all(verdict for *_, verdict in met(smaller).values())
    assert "the certificate holds" in succeeded("verify", smaller).stdout


def test_the_best_inside_so_far_is_on_disk_after_the_first_epoch(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stops:
        def stage(self, name: str, epochs: int, done: int) -> None: ...

        def note(self, text: str) -> None: ...

        def epoch(self, row: Any) -> None:
            raise KeyboardInterrupt

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("bsngraph.cli.display.progress_display", lambda quiet, plan: Stops())
        result = invoke("search", fabric, *FAST, *budgets("energy=4", "steps:1=3"), "--out", run)
    assert result.exit_code == 130
    best = read_fabric(run / "incumbent.dot")
    assert sum(edge.costs["energy"] for edge in best.edges) <= 4
    row = rows(run)[-1]["incumbent"]
    assert row["costs"] == {
        "energy": sum(edge.costs["energy"] for edge in best.edges),
        "steps:1": len(best.edges) - 1,
    }
    assert not (run / "result.json").exists()


# --- wishes


def test_a_wish_is_come_close_to_inside_the_budgets_that_must_be_met(fabric: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    macs = 16 + 64 + 40  # stem, 1x1 convolution, classifier
    text = succeeded("search", fabric, *FAST, *budgets(f"macs~={macs}", "energy=8"), "--out", run).stdout
    assert met(run) == {"macs": (macs, macs, True), "energy": (4, 8, True)}
    assert read(run / "result.json")["budgets"][0]["relation"] == "~="
    assert "met" in text


def test_a_wish_that_nothing_comes_close_to_is_no_failure(fabric: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    text = succeeded("search", fabric, *FAST, *budgets("macs~=300"), "--out", run).stdout
    found = met(run)["macs"]
    assert found == (120, 300, False)  # 120 is nearer than 632
    assert "nearest" in text
    assert "NOT met" not in text
    assert read(run / "certificate.json")["budgets"][0]["met"] is None
    said = succeeded("check", fabric, *budgets("macs~=300")).stdout
    assert "budget macs~=300 is a soft budget: the search comes as close as it can" in said


# --- what is no budget


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("macs=5ms", "unit 'ms' does not measure macs (MACs): use k, M, G, none, or %"),
        ("bytes=50M", "unit 'M' does not measure bytes (bytes): use B, kB, MB, GB, KiB, MiB, GiB, or %"),
        ("memory=50", "a limit on memory (bytes) needs a unit: B, kB"),
        ("steps:2=3ms", "unit 'ms' does not measure steps:2 (steps)"),
        ("energy=3ms", "unit 'ms' does not measure energy (its own unit)"),
        ("makespan:4=3", "a limit on makespan:4 (ms) needs a unit: us, µs, ms, s, or %"),
        ("makespan:4=0ms", "the limit must be a positive finite number"),
        ("energy=-0.5", "the limit must be a positive finite number"),
        ("memory=nanMB", "the limit must be a positive finite number"),
        ("macs=inf", "the limit must be a positive finite number"),
        ("macs=1e400", "the limit must be a positive finite number"),
        ("macs=0%", "the limit must be a positive finite number"),
        ("steps:0=3", "cost 'steps:0': '0' is no number of cores from 1 to 1024: write e.g. steps:4"),
        ("steps:x=3", "cost 'steps:x': 'x' is no number of cores from 1 to 1024: write e.g. steps:4"),
        ("steps:-1=3", "'-1' is no number of cores"),
        ("steps:1.5=3", "'1.5' is no number of cores"),
        ("steps:9999=3", "'9999' is no number of cores from 1 to 1024"),
        ("steps=3", "cost 'steps': write steps:N, e.g. steps:4"),
        ("steps:=3", "cost 'steps:': write steps:N, e.g. steps:4"),
        ("makespan=3ms", "cost 'makespan': write makespan:N, e.g. makespan:4"),
        ("macs:4=3", "cost 'macs:4': macs takes nothing after a colon"),
        ("energy:2=3", "there is no cost 'energy:2': did you mean 'energy'?"),
        ("stesp:4=3", "there is no cost 'stesp:4': did you mean 'steps'?"),
    ],
)
@pytest.mark.parametrize("command", ["check", "search"])
def test_what_is_no_budget_is_refused_with_its_cure(
    tmp_path: Path, command: str, budget: str, said: str
) -> None:
    more = () if command == "check" else (*FAST, "--out", tmp_path / "run")
    assert said in refused(command, written(TIMED, tmp_path), "--budget", budget, *more)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ("latency=5", "a limit on latency (ms) needs a unit: us"),
        ("latency=0ms", "the limit must be a positive finite number"),
        ("latency=5MB", "unit 'MB' does not measure latency (ms)"),
    ],
)
def test_a_latency_is_not_measured_for_a_budget_that_cannot_be_one(
    fabric: Path, budget: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bsngraph.measure.pricing.edge_latencies", lambda *_, **__: pytest.fail("it was measured")
    )
    assert reason in refused("check", fabric, *budgets(budget))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ("energy=1.5",),
            "no sub-network meets energy=1.5 (1.5): the cheapest costs 2, 22.22 % of the fabric",
        ),
        (("steps:2=1",), "no sub-network meets steps:2=1 (1 steps): the cheapest costs 2 steps"),
        (("memory=10B",), "no sub-network meets memory=10B (10 bytes): the cheapest costs "),
        (("makespan:2=1ms",), "no sub-network meets makespan:2=1ms (1 ms): the cheapest costs 2 ms"),
    ],
)
@pytest.mark.parametrize("command", ["check", "search"])
def test_a_budget_that_cannot_be_met_exits_1_with_the_cheapest_and_nothing_written(
    tmp_path: Path, command: str, given: tuple[str, ...], said: str
) -> None:
    more = ("--format", "json") if command == "check" else (*FAST, "--out", tmp_path / "run")
    result = invoke(command, written(TIMED, tmp_path), *budgets(*given), *more)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {said}")
    assert not (tmp_path / "run").exists()
    if command == "check":
        assert [budget["satisfiable"] for budget in json.loads(result.stdout)["budgets"]] == [False]


# --- schedules of the file's own durations


def test_a_makespan_goes_by_the_durations_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bsngraph.measure.pricing.edge_latencies", lambda *_, **__: pytest.fail("it was measured")
    )
    timed, run = written(TIMED, tmp_path), tmp_path / "run"
    facts = json.loads(succeeded("check", timed, *budgets("makespan:2=4500us"), "--format", "json").stdout)
    assert facts["costs"]["makespan:2"] == {"unit": "ms", "fabric": 5.0, "cheapest": 2.0, "proved": True}
    succeeded("search", timed, *FAST, *budgets("makespan:2=4500us", "makespan:1=5ms"), "--out", run)
    assert all(verdict for *_, verdict in met(run).values())
    assert "the certificate holds" in succeeded("verify", run).stdout


# --- costs of one's own


OWN = """\
def edges(architecture):
    return len(architecture.edges)


def never(architecture):
    return 5 + len(architecture.edges)


def raises(architecture):
    raise KeyError("volts")


def nan(architecture):
    return float("nan")


def negative(architecture):
    return -1


def text(architecture):
    return "much"


def slow(architecture):
    import time
    time.sleep(3)
    return 1
"""


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    path = written(OWN, tmp_path, "own.py")
    return lambda function: ("--cost", f"own={path}:{function}")


def test_a_cost_of_ones_own_works_in_check_search_prune_and_the_certificate(
    fabric: Path, tmp_path: Path, own
) -> None:
    run, smaller = tmp_path / "run", tmp_path / "smaller"
    facts = json.loads(
        succeeded("check", fabric, *own("edges"), *budgets("own=4"), "--format", "json").stdout
    )
    assert facts["costs"]["own"] == {"unit": "", "fabric": 5.0, "cheapest": 3.0, "proved": True}
    succeeded("search", fabric, *FAST, *own("edges"), *budgets("own=4", "energy=8"), "--out", run)
    assert met(run)["own"][0] <= 4
    assert read(run / "config.json")["costs"]["own"] == [own("edges")[1]]
    assert "the certificate holds" in succeeded("verify", run, *own("edges")).stdout
    stated = json.loads(succeeded("verify", run, "--format", "json").stdout)["checks"]
    assert [check["ok"] for check in stated if check["name"] == "cost own"] == [None], (
        "its code is not named, so it can only be stated"
    )
    assert invoke("verify", run, *own("never")).exit_code == 1
    spent = json.loads(succeeded("explain", run, *own("edges"), "--format", "json").stdout)["costs"]
    assert [part["name"] for part in spent] == ["own", "energy"]
    assert "there is no cost 'own'" in refused("explain", run)
    succeeded("prune", run, *own("edges"), *budgets("own=3"), "--out", smaller)
    assert met(smaller)["own"] == (3, 3, True)
    assert "there is no cost 'own'" in refused("prune", run, *budgets("own=3"), "--out", tmp_path / "other")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises", "own.py, line 10: KeyError: 'volts'"),
        ("nan", "gave nan: a cost is a finite number, 0 or more"),
        ("negative", "gave -1.0: a cost is a finite number, 0 or more"),
        ("text", "gave 'much' of type str: it must give a number"),
        ("slow", "gave nothing in 0.05 s: make it faster, or allow more by --cost-timeout"),
    ],
)
@pytest.mark.parametrize("command", ["check", "search"])
def test_a_cost_of_ones_own_that_fails_stops_the_command_before_anything_is_written(
    fabric: Path, tmp_path: Path, own, command: str, function: str, said: str
) -> None:
    more = () if command == "check" else (*FAST, "--out", tmp_path / "run")
    text = refused(command, fabric, *own(function), "--cost-timeout", "0.05", *budgets("own=4"), *more)
    assert text.startswith("cost 'own' (")
    assert f"own.py:{function}) for an architecture of " in text
    assert said in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cost", "own"), "--cost 'own' does not read NAME=FILE.py:FUNCTION"),
        (("--cost", "own=none.py:f"), "none.py"),
        (("--cost", "own={own}:edgse"), "has no function 'edgse': it has edges, "),
        (("--cost", "macs={own}:edges"), "cost 'macs' is computed already: give yours another name"),
        (
            ("--cost", "energy={own}:edges"),
            "cost 'energy' stands in the fabric's file as cost_energy: give yours another name",
        ),
        (("--cost", "latency={own}:edges"), "cost 'latency' is computed already"),
        (("--cost", "o-w-n={own}:edges"), "'o-w-n' cannot name a cost"),
        (
            ("--cost", "own={own}:edges", "--cost-timeout", "0"),
            "cost-timeout=0.0 must be a positive number of seconds",
        ),
        (
            ("--cost", "own={own}:edges", "--cost-timeout", "nan"),
            "cost-timeout=nan must be a positive number of seconds",
        ),
    ],
)
def test_wrong_options_of_a_cost_of_ones_own_are_told(
    fabric: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    path = written(OWN, tmp_path, "own.py")
    assert said in refused("check", fabric, *(option.replace("{own}", str(path)) for option in options))


def test_a_black_box_that_nothing_meets_is_none_feasible_yet_and_exits_1_with_the_best_found(
    fabric: Path, tmp_path: Path, own, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("walk", "best_inside"):  # as on a fabric of more choices than are enumerated
        monkeypatch.setattr(f"bsngraph.costs.solving.{module}.MOST_ENUMERATED", 0.5)
    run = tmp_path / "run"
    result = invoke("search", fabric, *FAST, *own("never"), *budgets("own=6"), "--out", run)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert (
        "none feasible yet: no sub-network meets own=6 (6): the best found costs 8, 80.00 % of the fabric"
        in result.stderr
    )
    assert result.stderr.rpartition("Error: ")[2].startswith(
        "no sub-network meets own=6 (6): the best found costs 8"
    )
    (epoch,) = [line for line in result.stderr.splitlines() if line.startswith("search 1/1")]
    assert "none feasible yet" in epoch
    assert rows(run)[-1]["incumbent"] is None
    assert not (run / "incumbent.dot").exists()
    assert not (run / "result.json").exists()
    checked = succeeded("check", fabric, *own("never"), *budgets("own=6")).stdout
    assert (
        "budget own=6 may or may not be met: no sub-network inside all budgets was found, and none is "
        "proved impossible" in checked
    )


# --- latency, by a fake clock


class Clock:
    """Edges take their energy in milliseconds by the table, and `factor` of that in a
    network that is measured whole.
    """

    def __init__(self, factor: Callable[[frozenset[str]], float]) -> None:
        self.factor, self.tables = factor, 0
        self.whole: list[frozenset[str]] = []

    def table(self, profile: Any, **conditions: Any) -> LatencyTable:
        self.tables += 1
        edges = profile.fabric.edges
        here = conditions_here("cpu", threads=conditions["threads"], batch=conditions["batch"])
        energy = tuple(edge.costs["energy"] for edge in edges)
        return LatencyTable(
            here, tuple(edge.name for edge in edges), energy, (0.0,) * len(edges), Calibration(error=0.2)
        )

    def network(self, net: SuperNet, **_: Any) -> Timing:
        names = frozenset(edge.name for edge in net.fabric.edges)
        self.whole.append(names)
        milliseconds = self.factor(names) * sum(edge.costs["energy"] for edge in net.fabric.edges)
        return Timing(milliseconds, milliseconds, milliseconds, 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[frozenset[str]], float]], Clock]:
    def set_by(factor: Callable[[frozenset[str]], float]) -> Clock:
        found = Clock(factor)
        monkeypatch.setattr("bsngraph.measure.pricing.edge_latencies", found.table)
        monkeypatch.setattr("bsngraph.searching.choosing.measure_whole.measure_network", found.network)
        monkeypatch.setattr("bsngraph.certificate.counters.measure_network", found.network)
        return found

    return set_by


def test_a_latency_is_measured_whole_recorded_and_not_measured_again_on_resume(
    fabric: Path, tmp_path: Path, clock
) -> None:
    run, smaller = tmp_path / "run", tmp_path / "smaller"
    found = clock(lambda _: 1.1)
    result = succeeded("search", fabric, *FAST, *budgets("latency=4.5ms"), "--latency-batch", 3, "--out", run)
    assert "measuring the latency of 5 edges on cpu with 1 threads" in result.stderr
    assert "the sum of edges misses whole networks by 20 % on average" in result.stderr
    latency = read(run / "result.json")["costs"]["latency"]
    assert latency["value"] == pytest.approx(1.1 * latency["estimated"])
    assert latency["value"] <= 4.5
    assert read(run / "certificate.json")["costs"]["latency"]["conditions"]["batch"] == 3
    assert read(run / "latencies.json")["operation_ms"]["a->b#2"] == 5
    assert "the certificate holds" in succeeded("verify", run).stdout
    spent = json.loads(succeeded("explain", run, "--format", "json").stdout)["costs"]
    assert spent[0]["name"] == "latency"

    (run / "result.json").unlink()  # as if it had been stopped before the end
    succeeded(
        "search", fabric, *FAST, *budgets("latency=4.5ms"), "--latency-batch", 3, "--out", run, "--resume"
    )
    succeeded("prune", run, *budgets("latency=2.5ms"), "--out", smaller)
    assert found.tables == 1
    assert met(smaller)["latency"][0] == pytest.approx(2.2)


def test_what_is_over_a_latency_when_measured_whole_is_passed_over(
    fabric: Path, tmp_path: Path, clock
) -> None:
    """By the sum of its edges either convolution is inside; measured, the 3x3 one takes
    three times as long.
    """
    found = clock(lambda names: 3.0 if "a->b#2" in names else 1.0)
    run = tmp_path / "run"
    succeeded("search", fabric, *FAST, *budgets("latency=8ms"), "--out", run)
    assert met(run)["latency"][0] <= 8
    assert "a->b#2" not in {edge.name for edge in read_fabric(run / "architecture.dot").edges}
    assert any("a->b#2" in names for names in found.whole), "it was tried"


def test_finalists_are_measured_whole_before_they_are_trained_and_all_of_them_are_inside(
    fabric: Path, tmp_path: Path, clock
) -> None:
    found = clock(lambda names: 3.0 if "a->b#2" in names else 1.0)
    run = tmp_path / "run"
    succeeded(
        *(
            "search",
            fabric,
            *FAST,
            "--finalists",
            3,
            "--finalist-epochs",
            1,
            "--candidates",
            16,
            *budgets("latency=8ms"),
            "--out",
            run,
        )
    )
    trained = [row for row in rows(run) if row["stage"] == "finalist"]
    assert len(trained) == 3, "once each"
    assert any("a->b#2" in names for names in found.whole), "it was tried"
    assert met(run)["latency"][0] <= 8
    assert "a->b#2" not in {edge.name for edge in read_fabric(run / "architecture.dot").edges}


def test_a_limit_that_no_estimate_tells_is_come_to_by_tightening(fabric: Path, tmp_path: Path, clock) -> None:
    """Everything takes 2.5 times its sum, so what fits is found under a lower limit."""
    found = clock(lambda _: 2.5)
    run = tmp_path / "run"
    result = succeeded("search", fabric, *FAST, *budgets("latency=7ms"), "--out", run)
    assert met(run)["latency"][:2] == (5.0, 7.0)
    assert (
        "candidates measured whole are over 98% of latency=7ms: the fastest of them takes " in result.stderr
    )
    assert "not the " in result.stderr
    assert len(found.whole) > 2


def test_without_any_network_measured_inside_the_search_exits_1_naming_the_best_measured(
    fabric: Path, tmp_path: Path, clock
) -> None:
    clock(lambda _: 10.0)
    run = tmp_path / "run"
    result = invoke("search", fabric, *FAST, *budgets("latency=15ms", "macs=90%"), "--out", run)
    assert result.exit_code == 1
    said = result.stderr.rpartition("Error: ")[2]
    assert said.startswith("no network was measured inside latency=15ms (15 ms): the best found takes 20 ms")
    assert result.stdout == ""
    assert not (run / "result.json").exists()
    assert not (run / "certificate.json").exists()


@pytest.mark.parametrize("busy", [DELIVERED_AGAIN, DELIVERED_AGAIN + 1])
def test_a_trained_network_has_time_to_show_that_it_is_inside_and_more_by_resuming(
    fabric: Path, tmp_path: Path, clock, busy: int
) -> None:
    """The machine is quiet while the candidate is measured, and then busy for so many
    measurements.
    """
    found = clock(lambda _: 9.0 if 1 < len(found.whole) <= 1 + busy else 1.0)
    run = tmp_path / "run"
    arguments = ("search", fabric, *FAST, *budgets("latency=4.5ms"), "--out", run)
    if busy > DELIVERED_AGAIN:
        result = invoke(*arguments)
        assert result.exit_code == 1
        assert "--resume measures it once more, `bsngraph prune` chooses another" in result.stderr
        assert not (run / "result.json").exists()
        arguments = (*arguments, "--resume")
    said = succeeded(*arguments).stderr
    assert met(run)["latency"][0] <= 4.5
    assert ("over latency=4.5ms: measuring it again, up to 20 times" in said) == (busy == DELIVERED_AGAIN)


def test_a_measured_cost_on_a_device_that_is_not_there_is_refused(fabric: Path, tmp_path: Path) -> None:
    for device in ("nonsense", "cuda:99"):
        for command in (("check", fabric), ("search", fabric, *FAST, "--out", tmp_path / "run")):
            assert f"device '{device}' cannot be used here" in refused(
                *command, *budgets("latency=5ms"), "--device", device
            )
    assert not (tmp_path / "run").exists()


# --- where it went


def test_costs_lists_every_row_of_the_table_with_unit_and_definition() -> None:
    text = " ".join(succeeded("costs").stdout.split())
    facts = json.loads(succeeded("costs", "--format", "json").stdout)["costs"]
    assert [row["name"].partition(":")[0] for row in facts[: len(COSTS)]] == list(COSTS)
    for name, row in zip(COSTS, facts, strict=False):
        assert row == {"name": row["name"], "unit": COSTS[name].unit, "definition": COSTS[name].definition}
        assert row["name"] in text
    assert "--cost NAME=FILE.py:FUNCTION" in facts[-1]["definition"]


def test_explain_says_what_each_edge_spends_of_every_budget(fabric: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    succeeded(
        "search", fabric, *FAST, *budgets("energy=4", "steps:2=3"), "--penalty", "auto:100", "--out", run
    )
    assert "budget energy=4, λ 100" in (run / "overlay.dot").read_text(encoding="utf-8"), "under the picture"
    facts = {
        part["name"]: part
        for part in json.loads(succeeded("explain", run, "--format", "json").stdout)["costs"]
    }
    assert set(facts) == {"energy", "steps:2"}
    values = {name: value for name, (value, *_) in met(run).items()}
    multipliers = rows(run)[-1]["penalty"]
    for name, part in facts.items():
        assert part["value"] == values[name]
        assert part["multiplier"] == multipliers[name]
        assert set(part["edges"]) == {edge.name for edge in read_fabric(run / "architecture.dot").edges}
    assert sum(facts["energy"]["edges"].values()) == values["energy"]
    text = succeeded("explain", run).stdout
    assert f"energy: {values['energy']:g} of 4, λ " in text
    assert f"steps:2: {values['steps:2']:g} of 3 steps, λ " in text
    assert "what the network would save without the edge" in " ".join(text.split())


def test_what_a_run_is_asked_in_a_wrong_way_is_told(fabric: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    succeeded("search", fabric, *FAST, "--out", run)
    assert "macs" in succeeded("explain", run).stdout, "without a budget it is where the MACs go"
    said = refused("check", run)
    assert "is a run's folder" in said
    assert "bsngraph verify" in said
    assert "bsngraph explain" in said
    for command in ("explain", "verify"):
        assert "is no run folder" in refused(command, fabric)
    assert "config.json" in refused("explain", tmp_path)
    assert "No such option" in refused("explain", run, *budgets("macs=5"))


@pytest.mark.parametrize(
    ("old", "new"), [("--certificate", "bsngraph verify RUN"), ("--costs", "bsngraph explain RUN")]
)
def test_what_check_did_before_names_the_command_that_does_it(tmp_path: Path, old: str, new: str) -> None:
    assert f"check {old} is a command of its own now: use {new}" in refused("check", tmp_path, old)
    assert f"use {new}" in refused("check", old)
    assert old not in succeeded("check", "--help").stdout


# --- schedules drawn


def test_the_schedule_of_a_run_is_drawn(fabric: Path, tmp_path: Path) -> None:
    run, drawn = tmp_path / "run", tmp_path / "schedule.svg"
    succeeded("search", fabric, *FAST, *budgets("energy=4"), "--out", run)
    assert succeeded("render", run, "--cores", 4, "-o", drawn).stdout == f"{drawn}\n"
    assert "steps:4" in drawn.read_text(encoding="utf-8")


def test_the_tiny_fabric_with_durations_is_what_its_comment_says(tmp_path: Path) -> None:
    durations = [edge.costs["duration_ms"] for edge in read_fabric(written(TIMED, tmp_path)).edges]
    assert np.array_equal(durations, [1, 2, 0, 3, 1])
