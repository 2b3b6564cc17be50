"""The command line: what it prints where, exit codes, and what a user's mistake looks
like. Never a traceback.
"""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.display import progress_display
from bsngraph.cli.main import COMMANDS, cli
from bsngraph.training import Silent

FAST = ("--epochs", 1, "--batch-size", 256)
FAST_SEARCH = (*FAST, "--finetune-epochs", 1, "--candidates", 2, "--finalists", 0)
DIGITS_DATA = ("--data", "digits")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz and matplotlib take longer than a whole search here; the tests of
    `render` draw.
    """
    no_pictures(monkeypatch)


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def refused(*arguments: Any, code: int = 2) -> str:
    """The one error of a command that does nothing but complain."""
    result = invoke(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1
    return result.stderr.partition("Error: ")[2].strip()


def succeeded(*arguments: Any) -> Result:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return written(DIGITS, tmp_path, "tiny.dot")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        succeeded(
            "search",
            written(DIGITS, folder),
            *DIGITS_DATA,
            "--budget",
            "energy=8",
            "--out",
            folder / "run",
            *FAST_SEARCH,
        )
    return folder / "run"


def whole_and_cheapest(fabric: Path) -> dict[str, Any]:
    return json.loads(succeeded("check", fabric, "--format", "json").stdout)["costs"]


# --- check


def test_check_json_is_json_alone_with_the_keys_of_the_design(fabric: Path) -> None:
    result = succeeded("check", fabric, "--budget", "macs=50%", "--budget", "energy=5", "--format", "json")
    facts = json.loads(result.stdout)
    assert result.stderr == ""
    assert {"name", "nodes", "edges", "costs", "budgets"} <= set(facts)
    assert facts["name"] == "tiny_digits"
    assert facts["nodes"][0] == {"name": "image", "shape": [1, 8, 8]}
    assert facts["nodes"][-1] == {"name": "scores", "shape": [10]}
    for edge in facts["edges"]:
        assert {"source", "target", "key", "op", "fixed", "costs"} <= set(edge)
        assert set(edge["costs"]) == {"macs", "flops", "params", "bytes", "energy"}
    assert [edge["fixed"] for edge in facts["edges"]] == [True, False, False, False, True]
    for name, cost in facts["costs"].items():
        assert set(cost) == {"unit", "fabric", "cheapest", "proved"}
        if name != "memory":  # which is no sum
            assert cost["fabric"] == sum(edge["costs"][name] for edge in facts["edges"])
    # by hand: stem, 1x1, 3x3, classifier
    assert facts["costs"]["macs"]["fabric"] == 4 * 4 + 4 * 4 * 4 + 4 * 4 * 4 * 9 + 4 * 10
    assert facts["costs"]["macs"]["cheapest"] == 4 * 4 + 4 * 10  # stem, identity, classifier
    assert facts["costs"]["flops"]["fabric"] == 2 * facts["costs"]["macs"]["fabric"]
    assert facts["budgets"] == [
        {"cost": "macs", "limit": facts["costs"]["macs"]["fabric"] / 2, "satisfiable": True},
        {"cost": "energy", "limit": 5.0, "satisfiable": True},
    ]


def test_check_text_names_every_node_edge_cost_and_the_cheapest_sub_network(fabric: Path) -> None:
    out = succeeded("check", fabric, "--budget", "energy=5").stdout
    for word in ("tiny_digits", "image", "1x8x8", "a->b#0", "a->b#1", "a->b#2", "macs", "params", "energy"):
        assert word in out
    assert "cheapest by macs: image->a#0, a->b#1, b->scores#0" in out
    assert "budget energy=5 can be met" in out


def test_check_exits_1_with_one_line_where_a_budget_cannot_be_met(fabric: Path) -> None:
    for form in ("text", "json"):
        result = invoke("check", fabric, "--budget", "energy=1.5", "--format", form)
        assert result.exit_code == 1
        assert (
            result.stderr
            == "Error: no sub-network meets energy=1.5 (1.5): the cheapest costs 2, 22.22 % of the fabric\n"
        )
    assert json.loads(result.stdout)["budgets"] == [{"cost": "energy", "limit": 1.5, "satisfiable": False}]


def test_check_exits_1_where_budgets_cannot_be_met_together(tmp_path: Path) -> None:
    either = written(
        DIGITS.replace("kernel=3, cost_energy=5", "kernel=3, cost_energy=0").replace(
            "[op=identity, cost_energy=0]", "[op=identity, cost_energy=9]"
        ),
        tmp_path,
    )
    result = invoke("check", either, "--budget", "energy=2", "--budget", "macs=60", "--format", "json")
    assert result.exit_code == 1
    assert [budget["satisfiable"] for budget in json.loads(result.stdout)["budgets"]] == [True, True]
    assert result.stderr.startswith(
        "Error: no sub-network meets the budgets together: inside macs=60, the cheapest costs 11"
    )


def test_check_says_that_a_budget_above_the_whole_fabric_is_slack(fabric: Path) -> None:
    result = succeeded("check", fabric, "--budget", "macs=200%")
    assert "budget macs=200% is slack: the whole fabric is inside it" in result.stdout


def test_set_overrides_a_parameter(fabric: Path) -> None:
    facts = json.loads(
        succeeded("check", fabric, "--set", "channels=8", "--set", "classes=3", "--format", "json").stdout
    )
    assert facts["nodes"][1]["shape"] == [8, 2, 2]
    assert facts["nodes"][-1]["shape"] == [3]


# --- search, prune, train, evaluate


def test_search_json_is_json_alone_and_is_result_json(fabric: Path, tmp_path: Path) -> None:
    result = succeeded(
        "search",
        fabric,
        *DIGITS_DATA,
        "--budget",
        "energy=8",
        "--out",
        tmp_path / "run",
        "--format",
        "json",
        *FAST_SEARCH,
    )
    assert json.loads(result.stdout) == json.loads((tmp_path / "run/result.json").read_text(encoding="utf-8"))
    assert "search 1/1" in result.stderr
    assert "finetune 1/1" in result.stderr


def test_search_ends_with_a_short_table_of_what_was_found(fabric: Path, tmp_path: Path) -> None:
    result = succeeded(
        "search",
        fabric,
        *DIGITS_DATA,
        "--budget",
        "energy=8",
        "--out",
        tmp_path / "run",
        "--seed",
        3,
        *FAST_SEARCH,
    )
    for word in (
        "test accuracy",
        "searchable edges kept",
        "energy",
        "macs",
        "params",
        "met",
        "architecture.svg",
        "architecture.dot",
    ):
        assert word in result.stdout
    assert "loss" not in result.stdout
    summary = json.loads((tmp_path / "run/result.json").read_text(encoding="utf-8"))
    assert summary["seed"] == 3
    assert summary["budgets"][0]["value"] <= 8


def test_progress_is_a_plain_line_an_epoch_without_a_terminal_and_none_when_quiet(
    fabric: Path, tmp_path: Path
) -> None:
    loud = succeeded(
        "search", fabric, *DIGITS_DATA, "--budget", "energy=8", "--out", tmp_path / "loud", *FAST_SEARCH
    ).stderr
    (line,) = [line for line in loud.splitlines() if line.startswith("search")]
    for word in ("search 1/1", "loss ", "accuracy ", "energy ", "entropy ", "left 0:00"):
        assert word in line
    assert "\x1b" not in loud
    quiet = succeeded("search", fabric, *DIGITS_DATA, "--out", tmp_path / "quiet", "--quiet", *FAST_SEARCH)
    assert quiet.stderr == ""


def test_search_under_an_infeasible_budget_exits_1_with_one_line_and_writes_nothing(
    fabric: Path, tmp_path: Path
) -> None:
    said = refused(
        "search", fabric, *DIGITS_DATA, "--budget", "macs=1", "--out", tmp_path / "run", *FAST_SEARCH, code=1
    )
    assert said == "no sub-network meets macs=1 (1 MACs): the cheapest costs 56 MACs, 8.05 % of the fabric"
    assert not (tmp_path / "run").exists()


def test_search_with_a_slack_budget_is_accepted_and_says_so(fabric: Path, tmp_path: Path) -> None:
    result = succeeded(
        "search", fabric, *DIGITS_DATA, "--budget", "macs=300%", "--out", tmp_path / "run", *FAST_SEARCH
    )
    assert "budget macs=300% is slack: the whole fabric costs 696 MACs" in result.stderr


def test_every_recipe_and_search_option_reaches_config_json(fabric: Path, tmp_path: Path) -> None:
    options = {
        "--epochs": "1",
        "--batch-size": "300",
        "--learning-rate": "0.05",
        "--momentum": "0.8",
        "--weight-decay": "0.001",
        "--clip": "2",
        "--aim": "0.8",
        "--drops": "0.5,0.9",
        "--class-weights": "1,1,1,1,1,1,1,1,1,2.5",
        "--burn-in": "0.1",
        "--settle": "0.7",
        "--penalty": "2",
        "--penalty-form": "absolute",
        "--baseline": "batch-mean",
        "--edge-learning-rate": "0.2",
        "--initial-probability": "0.7",
        "--edge-optimizer": "sgd",
        "--neighbour-rounds": "1",
        "--finalists": "2",
        "--finalist-epochs": "1",
        "--pool": "9",
        "--fair-share": "0.25",
        "--reopen": "0.8",
        "--candidates": "3",
        "--finetune-epochs": "0",
        "--finetune-rate": "0.01",
        "--threads": "1",
        "--seed": "5",
        "--augmentation": "shift=2",
        "--precision": "bfloat16",
        "--device": "cpu",
    }
    given = [part for pair in options.items() for part in pair]
    succeeded(
        "search",
        fabric,
        *DIGITS_DATA,
        "--out",
        tmp_path / "run",
        "--no-augment",
        "--set",
        "channels=2",
        *given,
    )
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    expected = {
        "epochs": 1,
        "batch_size": 300,
        "learning_rate": 0.05,
        "momentum": 0.8,
        "weight_decay": 0.001,
        "drops": [0.5, 0.9],
        "clip": 2.0,
        "augment": False,
        "augmentation": "shift=2",
        "precision": "bfloat16",
        "class_weights": [1.0] * 9 + [2.5],
    }
    assert {name: config["recipe"][name] for name in expected} == expected
    expected = {
        "burn_in": 0.1,
        "settle": 0.7,
        "aim": 0.8,
        "penalty": 2.0,
        "penalty_form": "absolute",
        "baseline": "batch-mean",
        "edge_optimizer": "sgd",
        "edge_learning_rate": 0.2,
        "initial_probability": 0.7,
        "candidates": 3,
        "fair_share": 0.25,
        "reopen": 0.8,
        "neighbour_rounds": 1,
        "finalists": 2,
        "finalist_epochs": 1,
        "pool": 9,
        "finetune_epochs": 0,
        "finetune_rate": 0.01,
    }
    assert {name: config["settings"][name] for name in expected} == expected
    assert (config["threads"], config["seed"], config["device"]) == (1, 5, "cpu")
    assert 'channels="2"' in (tmp_path / "run/fabric.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["search", "train"])
def test_defaults_that_help_states_are_those_of_the_settings(name: str) -> None:
    from dataclasses import fields

    from bsngraph.settings import Recipe, SearchSettings

    said = " ".join(succeeded(name, "--help").stdout.split())
    defaults = {field.name: field.default for kind in (Recipe, SearchSettings) for field in fields(kind)}
    names = ["batch_size", "learning_rate", "momentum", "weight_decay", "precision"]
    if name == "search":
        names += [
            "burn_in",
            "settle",
            "penalty_form",
            "baseline",
            "edge_optimizer",
            "edge_learning_rate",
            "initial_probability",
        ]
        names += [
            "candidates",
            "fair_share",
            "reopen",
            "neighbour_rounds",
            "finalists",
            "finalist_epochs",
            "pool",
            "finetune_epochs",
            "finetune_rate",
        ]
    for option in names:
        text = f"{defaults[option]:g}" if isinstance(defaults[option], float) else str(defaults[option])
        assert f"[default: {text}]" in said.partition(f"--{option.replace('_', '-')} ")[2][:260], option
    assert f"[default: {','.join(map(str, defaults['drops']))}]" in said


def test_prune_chooses_again_and_prints_what_search_prints(searched: Path, tmp_path: Path) -> None:
    result = succeeded("prune", searched, "--budget", "energy=2", "--out", tmp_path / "text")
    assert "test accuracy" in result.stdout
    result = succeeded(
        "prune", searched, "--budget", "energy=2", "--out", tmp_path / "json", "--format", "json", "--quiet"
    )
    summary = json.loads(result.stdout)
    assert result.stderr == ""
    assert summary["budgets"] == [
        {"cost": "energy", "relation": "<=", "limit": 2.0, "value": 2.0, "met": True}
    ]


def test_prune_of_what_is_no_finished_search_is_refused(searched: Path, fabric: Path, tmp_path: Path) -> None:
    assert "is" in refused("prune", tmp_path / "nothing", "--budget", "energy=2", "--out", tmp_path / "out")
    succeeded("train", fabric, *DIGITS_DATA, "--out", tmp_path / "trained", *FAST)
    assert "holds a train run" in refused(
        "prune", tmp_path / "trained", "--budget", "energy=2", "--out", tmp_path / "out"
    )
    said = refused("prune", searched, "--budget", "energy=1", "--out", tmp_path / "out", code=1)
    assert "the cheapest costs 2" in said
    assert not (tmp_path / "out").exists()


def test_train_takes_an_architecture_and_prints_the_table_or_json(searched: Path, tmp_path: Path) -> None:
    result = succeeded(
        "train", searched / "architecture.dot", *DIGITS_DATA, "--out", tmp_path / "text", *FAST
    )
    assert "training 1/1" in result.stderr
    assert "test accuracy" in result.stdout
    result = succeeded(
        "train",
        searched / "architecture.dot",
        *DIGITS_DATA,
        "--out",
        tmp_path / "json",
        "--format",
        "json",
        *FAST,
    )
    assert json.loads(result.stdout) == json.loads(
        (tmp_path / "json/result.json").read_text(encoding="utf-8")
    )


def test_architecture_dot_is_a_fabric_that_check_accepts(searched: Path) -> None:
    facts = json.loads(succeeded("check", searched / "architecture.dot", "--format", "json").stdout)
    assert all(edge["fixed"] for edge in facts["edges"])
    result = json.loads((searched / "result.json").read_text(encoding="utf-8"))
    assert (
        facts["costs"]["macs"]["fabric"]
        == facts["costs"]["macs"]["cheapest"]
        == result["costs"]["macs"]["value"]
    )
    succeeded("check", searched / "probabilities.dot")
    succeeded("check", searched / "fabric.dot")


def test_evaluate_agrees_with_result_json(searched: Path) -> None:
    found = json.loads(succeeded("evaluate", searched, "--format", "json").stdout)
    result = json.loads((searched / "result.json").read_text(encoding="utf-8"))
    assert found["data"] == "digits"
    assert found["metrics"]["test"]["accuracy"] == result["metrics"]["test"]["accuracy"]
    assert found["metrics"]["test"]["loss"] == pytest.approx(result["metrics"]["test"]["loss"], rel=1e-6)
    assert {name: cost["value"] for name, cost in found["costs"].items()} == {
        name: cost["value"] for name, cost in result["costs"].items()
    }
    said = succeeded("evaluate", searched, "--threads", 1).stdout
    assert f"digits: test accuracy {100 * result['metrics']['test']['accuracy']:.2f} %" in said


def test_evaluate_of_what_is_no_finished_run_is_refused(tmp_path: Path, searched: Path) -> None:
    assert "is a run folder" in refused("evaluate", tmp_path / "nothing").replace(
        "is " + str(tmp_path / "nothing") + " a", "is a"
    )
    assert "there is no data set 'nonsense'" in refused("evaluate", searched, "--data", "nonsense")


# --- bad fabrics


BAD_FABRICS = {
    "cycle": (
        DIGITS.replace("b -> scores", "b -> a;\n  b -> scores"),
        ["the graph has a cycle @ a -> b -> a", "remove or turn round"],
    ),
    "no-incoming": (
        DIGITS.replace("b -> scores", "lost -> b;\n  b -> scores"),
        ["the node has no incoming edge and is not a source @ node lost, line 9", "graph [source=...]"],
    ),
    "dead-end": (
        DIGITS.replace("b -> scores", "b -> dead;\n  b -> scores"),
        ["no path leads from the node to a target @ node dead", "connect it"],
    ),
    "unreachable": (
        DIGITS.replace("b -> scores", "lost -> stray;\n  stray -> b;\n  b -> scores"),
        ["no path leads from a source to the node @ node stray", "connect it"],
    ),
    "unknown-operation": (
        DIGITS.replace("op=identity", "op=identty"),
        ["unknown operation 'identty' @ edge a->b#1, line 7: did you mean 'identity'?"],
    ),
    "misspelt-argument": (
        DIGITS.replace("kernel=3", "kernal=3"),
        ["conv takes no argument 'kernal' @ edge a->b#2, line 8: did you mean 'kernel'?"],
    ),
    "misspelt-default": (
        DIGITS.replace("kernel=1]", "kernle=1]"),
        ["default 'kernle'", "did you mean 'kernel'?"],
    ),
    "wrong-type": (
        DIGITS.replace("kernel=3", "kernel=two"),
        ["kernel=two must be a whole number @ edge a->b#2, line 8"],
    ),
    "wrong-value": (DIGITS.replace("kernel=3", "kernel=2"), ["kernel=2 must be odd @ edge a->b#2, line 8"]),
    "wrong-probability": (
        DIGITS.replace("kernel=3", "kernel=3, probability=1.5"),
        ["probability=1.5", "edge a->b#2, line 8"],
    ),
    "shapes-at-a-merge": (
        DIGITS.replace("kernel=3", "channels=5"),
        [
            "shapes do not fit at merge=sum: 4x2x2 from a->b#0, 4x2x2 from a->b#1, 5x2x2 from a->b#2 @ "
            "node b",
            "the same channels and stride",
        ],
    ),
    "unset-parameter": (
        DIGITS.replace("channels=4, ", ""),
        ["channels=$channels names a parameter that is not set @"],
    ),
    "not-dot": ("this is not a graph", ["did not expect 'this' here @ line 1, column 1"]),
    "unclosed": (DIGITS.rstrip().rstrip("}"), ["@ line"]),
    "empty": ("", ["the file is empty", "a fabric reads `digraph name {"]),
    "blank": ("\n  // nothing\n", ["the file holds no graph @ line"]),
    "undirected": (
        DIGITS.replace("digraph", "graph").replace("->", "--"),
        ["the graph is undirected @ line 1: write `digraph` and `->`"],
    ),
    "no-source": (
        DIGITS.replace("source=image, ", ""),
        ["the graph names no source @ graph: add `graph [source=NODE]`"],
    ),
    "other-format": (
        DIGITS.replace("format=1", "format=7"),
        ["format=7 is not known @ graph: this version reads format=1"],
    ),
    "not-utf-8": (
        DIGITS.replace("tiny_digits", "d\xe9j\xe0").encode("latin-1"),
        ["byte 9 is not UTF-8: save the file as UTF-8 text"],
    ),
    "binary": (b"\x00\x01\x02\x03", ["1 problem"]),
}


@pytest.mark.parametrize("name", BAD_FABRICS)
@pytest.mark.parametrize("command", ["check", "search", "train", "render"])
def test_bad_fabric_is_refused_with_what_where_and_the_cure(tmp_path: Path, name: str, command: str) -> None:
    content, expected = BAD_FABRICS[name]
    path = tmp_path / "bad.dot"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    more: tuple[Any, ...] = {"check": (), "render": ("-o", tmp_path / "out.dot")}.get(
        command, (*DIGITS_DATA, "--out", tmp_path / "run", *FAST)
    )
    if command == "render" and name == "shapes-at-a-merge":
        return  # shapes need torch, a drawing does not
    said = refused(command, path, *more)
    assert said.startswith(str(path))
    for words in expected:
        assert words in said
    assert sorted(item.name for item in tmp_path.iterdir()) == ["bad.dot"], "nothing is written"


def test_all_problems_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = (
        DIGITS.replace("op=identity", "op=identty")
        .replace("kernel=3", "kernal=3")
        .replace("stride=4", "stride=0")
    )
    text = text.replace(
        "b -> scores",
        "b -> dead;\n  b -> c [channels=3];\n  b -> c [channels=5];\n  c -> scores;\n  b -> scores",
    )
    said = refused("check", written(text, tmp_path, "bad.dot"))
    lines = said.splitlines()
    assert lines[0] == f"{tmp_path / 'bad.dot'}: {len(lines) - 1} problems"
    for words in ("'identty' @ edge a->b#1", "'kernal' @ edge a->b#2", "stride=0", "node dead"):
        assert len([line for line in lines if words in line]) == 1
    assert all(line.startswith("  - ") and " @ " in line for line in lines[1:])


def test_problems_of_shapes_are_reported_beside_those_of_reading(tmp_path: Path) -> None:
    text = DIGITS.replace("kernel=3", "channels=5").replace("b -> scores [", "b -> scores [width_of=3, ")
    said = refused("check", written(text, tmp_path, "bad.dot"))
    assert "shapes do not fit" in said
    assert "width_of" in said


# --- bad paths, options and folders


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert (
        refused("check", tmp_path / "missing.dot")
        == f"{tmp_path / 'missing.dot'}: cannot be read (No such file or directory)"
    )


def test_folder_given_as_a_fabric_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.dot").mkdir()
    assert "cannot be read (Is a directory): name a graph file" in refused("check", tmp_path / "folder.dot")
    assert "(Is a directory): name a file in it: folder.dot" in refused("check", tmp_path)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (
            "macs=abc",
            "budget 'macs=abc': 'abc' is no number with a unit or %: write e.g. macs=25% or macs=2.5M",
        ),
        ("macs", "budget 'macs' does not read NAME=LIMIT: write e.g. macs=25% or params=40k"),
        ("=5", "budget '=5' does not read NAME=LIMIT: write e.g. macs=25% or params=40k"),
        ("macs=", "budget 'macs=': '' is no number with a unit or %: write e.g. macs=25% or macs=2.5M"),
        ("macs=-1", "budget 'macs=-1': the limit must be a positive finite number"),
        ("macs=0", "budget 'macs=0': the limit must be a positive finite number"),
        ("macs=nan", "budget 'macs=nan': the limit must be a positive finite number"),
        ("mcas=5", "there is no cost 'mcas': did you mean 'macs'?"),
        (
            "zzz=5",
            "there is no cost 'zzz': known are bytes, energy, flops, latency, latency@onnx, macs, makespan, "
            "memory, params, steps",
        ),
        ("macs=5ms", "budget 'macs=5ms': unit 'ms' does not measure macs"),
    ],
)
@pytest.mark.parametrize("command", ["check", "search"])
def test_bad_budget_is_refused(
    fabric: Path, tmp_path: Path, command: str, budget: str, expected: str
) -> None:
    more = () if command == "check" else (*DIGITS_DATA, "--out", tmp_path / "run", *FAST_SEARCH)
    assert refused(command, fabric, "--budget", budget, *more).startswith(expected)
    assert not (tmp_path / "run").exists()


def test_two_budgets_on_one_cost_are_refused(fabric: Path) -> None:
    said = refused("check", fabric, "--budget", "macs=5%", "--budget", "macs=6%")
    assert said == "budget 'macs=6%': macs has a budget already: give it one"


def test_budget_on_a_cost_that_some_edges_lack_is_refused(tmp_path: Path) -> None:
    said = refused("check", written(DIGITS.replace("[cost_energy=2]", ""), tmp_path), "--budget", "energy=4")
    assert (
        said == "cost 'energy' is missing on a->b#0: annotate them, or give a default `edge [cost_energy=0]`"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--data", "nonsense"), "there is no data set 'nonsense': known are cifar10"),
        (
            ("--set", "classes=7"),
            "the fabric's target scores gives 7, but digits has 10 classes: use --set classes=10",
        ),
        (("--set", "channels"), "--set channels does not read NAME=VALUE: write e.g. --set channels=32"),
        (("--set", "=3"), "--set =3 does not read NAME=VALUE"),
        (("--set", "channels="), "--set channels= does not read NAME=VALUE"),
        (("--set", "chanels=3"), "did you mean 'channels'?"),
        (("--set", "channels=many"), "channels=many must be a whole number"),
        (("--device", "nonsense"), "device 'nonsense' cannot be used here"),
        (("--device", "cuda:99"), "device 'cuda:99' cannot be used here"),
        (("--device", "meta"), "device 'meta' cannot be used here"),
        (("--drops", "a,b"), "--drops a,b must be numbers with commas between, e.g. 0.6,0.85"),
        (("--drops", "0.5,2"), "drops=0.5,2.0 must be shares of the epochs between 0 and 1"),
        (("--epochs", "-1"), "epochs=-1 must not be negative"),
        (("--epochs", "many"), "Invalid value for '--epochs'"),
        (("--batch-size", "1"), "batch-size=1 must be at least 2"),
        (("--learning-rate", "nan"), "learning-rate=nan must be a finite number"),
        (("--burn-in", "0.9"), "burn-in=0.9 and settle=0.6 must read 0 <= burn-in <= settle <= 1"),
        (("--penalty", "-1"), "penalty=-1.0 must be a finite number, not negative"),
        (("--initial-probability", "1"), "initial-probability=1.0 must lie between 0 and 1"),
        (("--candidates", "-1"), "candidates=-1 must not be negative"),
        (("--threads", "0"), "Invalid value for '--threads'"),
        (("--baseline", "none"), "Invalid value for '--baseline'"),
        (
            ("--resume", "--overwrite"),
            "--resume and --overwrite exclude each other: go on with the run, or replace it",
        ),
        (("--resume",), "holds no run to resume: leave out --resume to start one"),
        (("--nonsense",), "No such option"),
    ],
)
def test_bad_option_is_refused_and_nothing_is_written(
    fabric: Path, tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    data = () if "--data" in options else DIGITS_DATA
    assert expected in refused("search", fabric, *data, "--out", tmp_path / "run", *FAST_SEARCH, *options)
    assert not (tmp_path / "run").exists()


def test_output_folder_that_holds_a_run_is_refused_unless_resumed_or_overwritten(
    fabric: Path, tmp_path: Path
) -> None:
    command = ("search", fabric, *DIGITS_DATA, "--out", tmp_path / "run", "--threads", 1, *FAST_SEARCH)
    succeeded(*command)
    model = (tmp_path / "run/model.safetensors").read_bytes()
    said = refused(*command)
    assert (
        said == f"{tmp_path / 'run'} already holds a run: go on with it by --resume, replace it by "
        "--overwrite, or give another --out"
    )
    said = refused(*command, "--resume", "--seed", 1)
    assert "cannot resume with other settings (seed was 0 and is 1)" in said
    assert "resume with the run's own fabric" in refused(*command, "--resume", "--set", "channels=2")
    assert (tmp_path / "run/model.safetensors").read_bytes() == model
    succeeded(*command, "--resume")
    assert (tmp_path / "run/model.safetensors").read_bytes() == model
    succeeded(*command, "--overwrite", "--seed", 1)
    assert (tmp_path / "run/model.safetensors").read_bytes() != model


def test_output_that_cannot_be_written_is_refused(fabric: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused(
        "search", fabric, *DIGITS_DATA, "--out", tmp_path / "file", *FAST_SEARCH
    )
    assert "cannot be made" in refused(
        "search", fabric, *DIGITS_DATA, "--out", tmp_path / "file/run", *FAST_SEARCH
    )
    assert "cannot be written" in refused("render", fabric, "-o", tmp_path / "missing/out.dot")
    assert "cannot be written" in refused("render", fabric, "-o", tmp_path / "file/out.dot")


def test_wrong_usage_is_exit_code_2(fabric: Path) -> None:
    assert "No such command 'serach'" in refused("serach", fabric)
    assert "Missing argument" in refused("check")
    assert "Missing option '--out'" in refused("search", fabric, *DIGITS_DATA)
    assert "which data? name it" in refused("search", fabric, "--out", "run")


# --- ends of another kind


def test_ctrl_c_leaves_a_checkpoint_exits_130_and_the_run_goes_on_with_resume(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stops(Silent):
        def epoch(self, row: Any) -> None:
            raise KeyboardInterrupt

    command = ("search", fabric, *DIGITS_DATA, "--out", tmp_path / "run", *FAST_SEARCH)
    with monkeypatch.context() as patch:
        patch.setattr("bsngraph.cli.display.progress_display", lambda quiet, plan: Stops())
        result = invoke(*command)
    assert result.exit_code == 130
    assert result.stdout == ""
    again = shlex.join(["bsngraph", "search", "--resume", str(tmp_path / "run")])
    assert result.stderr.strip() == f"Interrupted. To go on from the last epoch:\n  {again}"
    assert (tmp_path / "run/checkpoint.pt").exists()
    assert "finetune 1/1" in succeeded(*command, "--resume").stderr


def test_live_display_gives_the_cursor_back_however_the_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """rich hides the cursor while a bar is shown; Ctrl-C or a failed run must not leave
    it hidden.
    """
    stream = io.StringIO()
    monkeypatch.setattr(
        "bsngraph.cli.display.plain_console", lambda stderr: Console(file=stream, force_terminal=True)
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with click.Context(click.Command("search")):  # click closes it however the command ends
        progress_display(quiet=False).stage("search", 3, 0)
        assert "\x1b[?25l" in stream.getvalue()
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_failed_run_exits_1_and_says_what_to_try(fabric: Path, tmp_path: Path) -> None:
    result = invoke(
        "train", fabric, *DIGITS_DATA, "--out", tmp_path / "run", "--learning-rate", "1e30", "--epochs", 1
    )
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "in epoch 1 of the training: try a smaller --learning-rate" in result.stderr


# --- render


@pytest.mark.parametrize(
    ("suffix", "begin"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".dot", b"digraph")]
)
def test_render_draws_a_fabric_and_a_run(
    fabric: Path, searched: Path, tmp_path: Path, suffix: str, begin: bytes
) -> None:
    from bsngraph.draw.graphviz import find_graphviz

    if suffix != ".dot" and find_graphviz() is None:
        pytest.skip("no Graphviz here")
    for what in (fabric, searched):
        out = tmp_path / f"{what.stem}-drawn{suffix}"
        assert succeeded("render", what, "-o", out).stdout == f"{out}\n"
        assert out.read_bytes().lstrip().startswith((begin, b"<svg"))


def test_render_takes_parameters(fabric: Path, tmp_path: Path) -> None:
    succeeded("render", fabric, "-o", tmp_path / "out.dot", "--set", "channels=8")
    assert "did you mean 'channels'?" in refused(
        "render", fabric, "-o", tmp_path / "out.dot", "--set", "chanels=8"
    )


def test_render_draws_every_dot_file_of_a_run(searched: Path, tmp_path: Path) -> None:
    for name in ("fabric", "probabilities", "architecture"):
        succeeded("render", searched / f"{name}.dot", "-o", tmp_path / f"{name}.dot")


def test_render_refuses_another_ending_and_a_folder_without_a_finished_run(
    fabric: Path, tmp_path: Path
) -> None:
    assert refused("render", fabric, "-o", tmp_path / "out.pdf").endswith(
        "a drawing is written as .svg, .png or .dot: give it one of these endings"
    )
    assert "is it a run folder, and its run finished?" in refused(
        "render", tmp_path, "-o", tmp_path / "out.dot"
    )


def test_render_without_graphviz_says_how_to_get_it(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsngraph.draw.graphviz.find_graphviz", lambda: None)
    assert "pip install 'bsngraph[draw]'" in refused("render", fabric, "-o", tmp_path / "out.svg", code=1)
    succeeded("render", fabric, "-o", tmp_path / "out.dot")


# --- help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_the_groups_one_line(name: str) -> None:
    said = succeeded(name, "--help").stdout
    assert f"Example:\n    bsngraph {name}" in said
    assert COMMANDS[name].help in " ".join(succeeded("--help").stdout.split())
    assert "--help" in said


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"render", "fabric", "export", "report"}))
def test_every_command_that_prints_facts_can_print_json(name: str) -> None:
    assert "--format [text|json]" in succeeded(name, "--help").stdout


def test_help_of_every_command_and_drawing_import_no_torch(
    fabric: Path, searched: Path, tmp_path: Path
) -> None:
    code = """
import sys
from bsngraph.cli.main import COMMANDS, cli

def run(*arguments):
    try:
        cli(list(arguments), standalone_mode=False)
    except SystemExit as end:
        assert not end.code
    assert "torch" not in sys.modules, arguments

fabric, searched, out = sys.argv[1:]
run("--help")
run("--version")
for name in COMMANDS:
    run(name, "--help")
run("render", fabric, "-o", out + "/fabric.dot")
run("render", searched, "-o", out + "/run.dot")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(fabric), str(searched), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fabric.dot").exists()
    assert (tmp_path / "run.dot").exists()


def test_a_mistyped_command_gets_the_nearest_one() -> None:
    result = CliRunner().invoke(cli, ["searhc"])
    assert result.exit_code == 2
    assert "did you mean 'search'?" in result.output


def test_render_with_shapes_draws_what_the_file_does_not_say(tmp_path: Path) -> None:
    fabric = Path(__file__).parents[1] / "fabrics" / "digits.dot"
    for flags, seen in (((), False), (("--shapes",), True)):
        result = CliRunner().invoke(cli, ["render", str(fabric), "-o", str(tmp_path / "picture.dot"), *flags])
        assert result.exit_code == 0, result.output
        assert ("32x4x4" in (tmp_path / "picture.dot").read_text(encoding="utf-8")) is seen


# --- files that a command reads are not written


def test_a_drawing_does_not_replace_what_it_is_drawn_from(
    fabric: Path, searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fabric.read_bytes()
    (tmp_path / "link.dot").symlink_to(fabric)
    monkeypatch.chdir(tmp_path)
    for output in (fabric, fabric.name, f"../{tmp_path.name}/{fabric.name}"):
        assert "is read by this command: give -o another name" in refused("render", fabric, "-o", output)
        assert "is read by this command" in refused("diff", searched, fabric, "-o", output)
    assert "is read by this command" in refused("render", tmp_path / "link.dot", "-o", fabric)
    assert fabric.read_bytes() == before
    for name in ("fabric.dot", "architecture.dot", "architecture.svg"):
        assert "is read by this command" in refused("render", searched, "-o", searched / name)


def test_a_prediction_does_not_replace_what_is_predicted(searched: Path, tmp_path: Path) -> None:
    table = tmp_path / "predictions.csv"
    table.write_text("a,b\n1,2\n")
    said = refused("predict", searched, "--data", f"csv:{table},label=b", "-o", tmp_path)
    assert said == f"{table} holds the data that are predicted: give another --out"
    for out in (tmp_path, tmp_path / "inside"):
        said = refused("predict", searched, "--images", tmp_path, "-o", out)
        assert said == f"{out} holds what is predicted, and could be written over: give another --out"
    assert table.read_text() == "a,b\n1,2\n"
